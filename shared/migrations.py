"""Numbered SQL files of a service, run in order, each once, each whole or not at all."""

from pathlib import Path

import asyncpg

_LOCK = 0x53544F504C494E45  # "STOPLINE": one migration at a time in a database
_CREATE = "CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, ran_at timestamptz NOT NULL DEFAULT now())"


async def migrate(connection: "asyncpg.Connection[asyncpg.Record]", folder: Path) -> list[str]:
    """Run the files of `folder` that the database has not run yet, by name; return their names."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(_CREATE)
        ran = {row["name"] for row in await connection.fetch("SELECT name FROM migrations")}
        waiting = [path for path in sorted(folder.glob("*.sql")) if path.name not in ran]
        for path in waiting:
            await connection.execute(path.read_text())
            await connection.execute("INSERT INTO migrations (name) VALUES ($1)", path.name)
    return [path.name for path in waiting]
