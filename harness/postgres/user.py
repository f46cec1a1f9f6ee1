"""Whom PostgreSQL runs as: it refuses to run as root."""

import os
import pwd
import stat
from pathlib import Path

from harness.processes import HarnessError, User

_UNPRIVILEGED = ("postgres", "nobody")


def unprivileged_user() -> User | None:
    """Return the user for PostgreSQL where we are root, else None: it runs as we do.

    Raises:
        HarnessError: root, but no such user.
    """
    if os.geteuid() != 0:
        return None
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return User(name, entry.pw_uid, entry.pw_gid)
    raise HarnessError(f"PostgreSQL does not run as root, and there is no user {' or '.join(_UNPRIVILEGED)}: add one")


def may_enter(user: User, folder: Path) -> bool:
    """Tell whether `user` can get into `folder` through all the folders above it."""
    real = folder.resolve()
    return all(_lets_in(user, each) for each in (real, *real.parents))


def _lets_in(user: User, folder: Path) -> bool:
    about = folder.stat()
    if about.st_uid == user.uid:
        return bool(about.st_mode & stat.S_IXUSR)
    if about.st_gid == user.gid:
        return bool(about.st_mode & stat.S_IXGRP)
    return bool(about.st_mode & stat.S_IXOTH)
