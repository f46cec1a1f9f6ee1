"""Postgres is killed in the middle of what is written to it: that is an outage, to be tried again, and no bug."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from harness.machine.ports import free_ports, release_ports
from harness.postgres import PostgresServer
from shared.postgres import POSTGRES_UNAVAILABLE


async def test_postgres_killed_in_the_middle_of_a_copy_is_unavailable() -> None:
    ports = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="stopline-copy-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL does not run as root, and must be able to enter
        server = PostgresServer(Path(folder), ports[0], durable=False)
        await server.start()
        connection = await asyncpg.connect(server.url("optout"))
        await connection.execute("CREATE TABLE numbers (n int, text text)")

        async def rows() -> AsyncIterator[tuple[int, str]]:
            for n in range(100_000):
                if n == 50_000:
                    await server.kill()
                yield n, "x" * 200

        with pytest.raises(POSTGRES_UNAVAILABLE):
            async with connection.transaction():
                await connection.copy_records_to_table("numbers", records=rows())
        connection.terminate()
    release_ports(ports)
