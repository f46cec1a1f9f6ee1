"""Numbered SQL files of a service, run in order, each once, each whole or not at all.

What SQL cannot do is a function: a line `-- then: package.module:function` names one that is called with the connection
after the file has run, in the same transaction.
"""

import importlib
import logging
import re
from pathlib import Path

from shared.postgres import Connection

log = logging.getLogger(__name__)

_LOCK = 0x53544F504C494E45  # "STOPLINE": one migration at a time in a database
_STATEMENTS_SECONDS = 3_600.0  # of a file, which may rewrite a large table
_THEN = re.compile(r"^-- then: ([a-z_.]+):([a-z_]+)$", re.MULTILINE)
_CREATE = "CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, ran_at timestamptz NOT NULL DEFAULT now())"


async def pending(connection: Connection, folder: Path) -> list[str]:
    """Return the names of the files of `folder` that the database has not run yet; needs no more than to read."""
    is_there = await connection.fetchval("SELECT to_regclass('migrations') IS NOT NULL")
    ran = {row["name"] for row in await connection.fetch("SELECT name FROM migrations")} if is_there else set()
    return [name for name, _ in _files(folder) if name not in ran]


async def lock(connection: Connection) -> None:
    """Wait until nobody else changes the tables or the rights; until the end of the transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)


async def migrate(connection: Connection, folder: Path) -> list[str]:
    """Run the files of `folder` that the database has not run yet, by name; return their names."""
    async with connection.transaction():
        await lock(connection)
        await connection.execute(_CREATE)
        ran = {row["name"] for row in await connection.fetch("SELECT name FROM migrations")}
        waiting = [(name, sql) for name, sql in _files(folder) if name not in ran]
        for name, sql in waiting:
            await connection.execute(sql, timeout=_STATEMENTS_SECONDS)
            for module, function in _THEN.findall(sql):
                await getattr(importlib.import_module(module), function)(connection)
            await connection.execute("INSERT INTO migrations (name) VALUES ($1)", name)
    for name, _ in waiting:
        log.info("migrated: %s", name)
    return [name for name, _ in waiting]


def _files(folder: Path) -> list[tuple[str, str]]:
    return [(path.name, path.read_text()) for path in sorted(folder.glob("*.sql"))]
