"""The user that PostgreSQL runs as: it refuses to run as root."""

import os
import pwd
import stat
from pathlib import Path

from harness.processes import HarnessError, User

_UNPRIVILEGED = ("postgres", "nobody")


def unprivileged_user() -> User | None:
    """Return the user for PostgreSQL if we are root; None if it runs as our own user.

    Raises:
        HarnessError: root, but no such user; or we are a user that the machine has no name for.
    """
    if os.geteuid() != 0:
        _require_name(os.geteuid())
        return None
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return User(name, entry.pw_uid, entry.pw_gid)
    raise HarnessError(f"PostgreSQL does not run as root, and there is no user {' or '.join(_UNPRIVILEGED)}: add one")


def _require_name(uid: int) -> None:
    """Refuse a user id without a name (as `docker run --user 4242` gives): `initdb` refuses it too."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise HarnessError(
            f"PostgreSQL needs a name for the user {uid} that runs it: add one to /etc/passwd, or run as another user"
        ) from None


def may_enter(user: User, folder: Path) -> bool:
    """Return whether `user` can enter `folder` and all the folders above it."""
    real = folder.resolve()
    return all(_lets_in(user, each) for each in (real, *real.parents))


def _lets_in(user: User, folder: Path) -> bool:
    about = folder.stat()
    if about.st_uid == user.uid:
        return bool(about.st_mode & stat.S_IXUSR)
    if about.st_gid == user.gid:
        return bool(about.st_mode & stat.S_IXGRP)
    return bool(about.st_mode & stat.S_IXOTH)
