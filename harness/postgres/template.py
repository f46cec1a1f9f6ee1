"""A data folder with the two databases in it, made once per user and copied for every new server.

`initdb` takes a second or two, a copy of what it makes a tenth of that.
"""

import asyncio
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import asyncpg

from harness.machine.file_lock import FileLock
from harness.machine.ports import free_ports, release_ports
from harness.machine.temporary_folder import make_temporary_folder, remove_temporary_folder
from harness.machine.user_folders import shared_cache_folder
from harness.postgres.passwords import DATABASES, OWNER, SERVICE_ROLES, make_passwords, url
from harness.postgres.server_process import Installation, server_process, wait_until_serves
from harness.processes import ManagedProcess, User

_INITDB_SECONDS = 120.0
_STOP_SECONDS = 20.0
_FORMAT = 2
"""Increase this when templates are made differently."""


async def ensure_template(installation: Installation) -> Path:
    """Return the folder with `postgres` and `postgres-passwords.json`, after making it where it is missing.

    Raises:
        StartError: `initdb` or the server failed.
    """
    made_by = (installation.binaries / "postgres").stat()
    identity = f"{_FORMAT} {installation} {made_by.st_size} {made_by.st_mtime_ns}"
    template = shared_cache_folder() / f"postgres-data-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"
    data = template / "postgres"  # the last that appears: the folder alone may be half of a template
    if not data.is_dir():
        async with FileLock(template.with_suffix(".lock")):
            if not data.is_dir():
                await _make(installation, template)
    return template


async def _make(installation: Installation, template: Path) -> None:
    scratch = make_temporary_folder()
    ports = free_ports(1)
    try:
        data, log_path = scratch / "postgres", scratch / "log"
        passwords = make_passwords(scratch / "postgres-passwords.json")
        await _initdb(installation, data, passwords[OWNER], log_path)
        server = server_process(installation, data, ports[0], log_path, durable=False)
        server.start()
        try:
            await wait_until_serves(server, url(ports[0], OWNER, passwords))
            await make_databases(url(ports[0], OWNER, passwords), passwords)
            await ensure_service_roles(url(ports[0], OWNER, passwords), passwords)
        finally:
            await server.stop(_STOP_SECONDS)
        await asyncio.to_thread(copy_data, scratch, template)
    finally:
        release_ports(ports)
        remove_temporary_folder(scratch)


async def _initdb(installation: Installation, data: Path, password: str, log_path: Path) -> None:
    password_file = data.with_suffix(".password")
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    data.mkdir(mode=0o700)
    _give([data, password_file], installation.user)
    arguments = [f"--pgdata={data}", f"--username={OWNER}", f"--pwfile={password_file}", "--auth=scram-sha-256"]
    arguments += ["--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    initdb = ManagedProcess(
        "initdb",
        [installation.binaries / "initdb", *arguments],
        log_path=log_path,
        cwd=Path("/"),
        user=installation.user,
    )
    initdb.start()
    try:
        if await initdb.wait_exit(_INITDB_SECONDS):
            raise initdb.start_error(f"ended with code {initdb.returncode}")
    except TimeoutError:
        raise initdb.start_error(f"did not end within {_INITDB_SECONDS} s") from None
    finally:
        initdb.kill()


async def make_databases(owner_url: str, passwords: dict[str, str]) -> None:
    """Create each role and its database. Names are constants and passwords URL-safe: nothing needs quoting."""
    connection = await asyncpg.connect(owner_url)
    try:
        for name in DATABASES:
            await connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{passwords[name]}'")
            await connection.execute(f"CREATE DATABASE {name} OWNER {name}")
            await connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
    finally:
        await connection.close()


async def ensure_service_roles(owner_url: str, passwords: dict[str, str]) -> None:
    """Create the roles that are missing; the owner of the tables grants them rights with `stopline migrate`."""
    connection = await asyncpg.connect(owner_url)
    try:
        present = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
        for name, database in SERVICE_ROLES.items():
            if name not in present:
                await connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{passwords[name]}'")
                await connection.execute(f"GRANT CONNECT ON DATABASE {database} TO {name}")
    finally:
        await connection.close()


def copy_data(source: Path, target: Path) -> None:
    """Copy data and passwords from folder to folder; the data appears under its name only when it is complete."""
    target.mkdir(parents=True, exist_ok=True)
    partial = target / "postgres.partial"
    shutil.rmtree(partial, ignore_errors=True)
    # with owners and modes; four times as fast as `shutil.copytree`
    subprocess.run(["cp", "-a", source / "postgres", partial], capture_output=True, check=True)
    shutil.copy(source / "postgres-passwords.json", target)
    partial.rename(target / "postgres")


def _give(paths: list[Path], user: User | None) -> None:
    if user is not None:
        for path in paths:
            os.chown(path, user.uid, user.gid)
