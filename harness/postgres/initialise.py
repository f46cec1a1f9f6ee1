"""A new data folder for PostgreSQL, and the two databases in it."""

import os
import shutil
from pathlib import Path

import asyncpg

from harness.postgres.passwords import DATABASES, OWNER
from harness.postgres.user import may_enter
from harness.processes import HarnessError, ManagedProcess, User

_INITDB_SECONDS = 60.0


async def ensure_data_folder(binaries: Path, folder: Path, password: str, user: User | None, log_path: Path) -> None:
    """Make `folder` with `initdb`, unless it is one already; it appears only when it is complete.

    Raises:
        StartError: `initdb` failed.
        HarnessError: we are root, and the folder is where nobody else may go.
    """
    if (folder / "PG_VERSION").exists():
        return
    if user is not None and not may_enter(user, folder.parent):
        raise HarnessError(
            f"PostgreSQL does not run as root, and {user.name} cannot enter {folder.parent}: "
            "take another folder (not below /root), or run as another user"
        )
    partial, password_file = folder.with_suffix(".partial"), folder.with_suffix(".password")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    if user is not None:
        os.chown(partial, user.uid, user.gid)
        os.chown(password_file, user.uid, user.gid)
    await _initdb(binaries, partial, password_file, user, log_path)
    password_file.unlink()
    partial.rename(folder)


async def _initdb(binaries: Path, folder: Path, password_file: Path, user: User | None, log_path: Path) -> None:
    arguments = [f"--pgdata={folder}", f"--username={OWNER}", f"--pwfile={password_file}", "--auth=scram-sha-256"]
    # --no-sync: a machine that fails during this second leaves a folder without its final name
    arguments += ["--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    initdb = ManagedProcess("initdb", [binaries / "initdb", *arguments], log_path=log_path, cwd=Path("/"), user=user)
    initdb.start()
    try:
        if await initdb.wait_exit(_INITDB_SECONDS):
            raise initdb.start_error(f"ended with code {initdb.returncode}")
    except TimeoutError:
        raise initdb.start_error(f"did not end within {_INITDB_SECONDS} s") from None
    finally:
        initdb.kill()


async def ensure_databases(owner_url: str, role_passwords: dict[str, str]) -> None:
    """Make the databases and their roles where they are missing."""
    connection = await asyncpg.connect(owner_url)
    try:
        present = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
        for name in DATABASES:
            if name not in present:
                await _make_database(connection, name, role_passwords[name])
    finally:
        await connection.close()


async def _make_database(connection: "asyncpg.Connection[asyncpg.Record]", name: str, password: str) -> None:
    """Make a role and its database. The names are constants and the password is URL-safe: nothing needs quoting."""
    if not await connection.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = $1", name):
        await connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
    await connection.execute(f"CREATE DATABASE {name} OWNER {name}")
    await connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
