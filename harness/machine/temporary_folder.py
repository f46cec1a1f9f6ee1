"""Temporary folders that do not outlive this process, however it ends."""

import shutil
import stat
import tempfile
from pathlib import Path

from harness.machine.user_folders import is_root, is_writable
from harness.processes import guardian

LOGS = "logs"
"""The folder of the logs in a stack's folder: kept after a failure."""


def make_temporary_folder() -> Path:
    """Return a new folder that `remove_temporary_folder` removes, or the watcher if this process dies first."""
    folder = Path(tempfile.mkdtemp(prefix="stopline-", dir=_temporary_base()))
    guardian().remove_folder(folder)
    folder.chmod(0o711)  # if we are root, Postgres runs as another user and must reach its own folder in this one
    return folder


def _temporary_base() -> Path | None:
    """Return the folder for temporary folders: None for the usual one; as root, one that Postgres can enter too."""
    usual = Path(tempfile.gettempdir())
    if not is_root() or _is_open(usual):
        return None
    return next((each for each in map(Path, ("/tmp", "/var/tmp")) if is_writable(each) and _is_open(each)), None)  # noqa: S108 (a name of our own is made in it)


def _is_open(folder: Path) -> bool:
    real = folder.resolve()
    return all(each.stat().st_mode & stat.S_IXOTH for each in (real, *real.parents))


def remove_temporary_folder(folder: Path, *, keep_logs: bool = False) -> None:
    """Remove the folder; after a failure, all but its logs, which the error names."""
    if keep_logs and folder.is_dir():
        for entry in folder.iterdir():
            if entry.name != LOGS:
                _remove(entry)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    guardian().forget_folder(folder)


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        entry.unlink()
