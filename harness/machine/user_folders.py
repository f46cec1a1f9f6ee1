"""The folders of this user: for downloads, and for the stacks that run in the background."""

import hashlib
import os
import re
from pathlib import Path

from harness.processes import HarnessError

CODE = Path(__file__).resolve().parents[2]
"""The clone (or the installation) that this code belongs to."""

_NAME_LETTERS = 24


def is_root() -> bool:
    return os.geteuid() == 0


def cache_folder() -> Path:
    """Return the user's cache folder, for files that can be fetched or made again."""
    return _base("XDG_CACHE_HOME", ".cache") / "stopline"


def shared_cache_folder() -> Path:
    """Return the cache folder for files that Postgres reads, which may run as another user."""
    return Path("/var/cache/stopline") if is_root() else cache_folder()


def homes_folder() -> Path:
    """Return the folder of all STOPLINE_HOMEs, one per clone.

    Root's home is closed to the user that Postgres must run as when we are root, so root's stacks are kept in /var/lib.
    """
    return Path("/var/lib/stopline") if is_root() else _base("XDG_DATA_HOME", ".local/share") / "stopline"


def default_home() -> Path:
    """Return the STOPLINE_HOME of this clone, where the environment names none."""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", CODE.name)[:_NAME_LETTERS]
    return homes_folder() / f"{readable}-{hashlib.sha256(os.fsencode(CODE)).hexdigest()[:8]}"


def _base(variable: str, below_home: str) -> Path:
    """Return the folder that `variable` names, else one in the user's home, else one in the clone.

    A user may have no home, or one that cannot be written to (a service account, a container).
    """
    chosen = os.environ.get(variable, "")
    if Path(chosen).is_absolute():  # others are to be ignored (XDG Base Directory Specification)
        return Path(chosen)
    home = user_home()
    return home / below_home if home is not None else CODE / ".stopline" / below_home


def user_home() -> Path | None:
    """Return the user's home; None where there is none, or where it cannot be written to."""
    try:
        home = Path.home()
    except RuntimeError:  # no HOME, and no entry in the list of users
        return None
    return home if home.is_absolute() and is_writable(home) else None


def is_writable(folder: Path) -> bool:
    """Return whether `folder` exists and we can create files in it."""
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def make_folder(folder: Path, mode: int = 0o711) -> None:
    """Create `folder` and its missing parents with exactly this mode, whatever the umask.

    Raises:
        HarnessError: it cannot be created; the line names it.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for each in missing:
            each.chmod(mode)
    except OSError as error:
        raise HarnessError(
            f"cannot make {folder} ({error.strerror}): set STOPLINE_HOME (data) or XDG_CACHE_HOME (downloads) to a"
            " folder that you can write to"
        ) from None
