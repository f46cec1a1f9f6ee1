"""The migration for clean-ups' records takes indexes that were built before it as they are, and no half built ones."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from harness.postgres import PostgresServer
from services.optout.prepare import MIGRATIONS
from shared.migrations import migrate

Connection = asyncpg.Connection
BY_OFFSET = "CREATE INDEX CONCURRENTLY decisions_of_offset ON decisions (partition, inbound_offset)"
IN_ORDER = "CREATE UNIQUE INDEX CONCURRENTLY decisions_in_order ON decisions (partition, sequence)"

_DECIDE = """
INSERT INTO decisions (event_id, partition, sequence, inbound_offset, account_id, phone, body, decided_at, entry, hash)
VALUES ($1, 0, $2, $3, 'acme', '+14155550100', '', now(), '{}', '')
"""


@pytest.fixture
async def old(postgres_of_api: PostgresServer, tmp_path: Path) -> AsyncIterator[Connection]:
    """Give a schema as the version before left it."""
    name = f"old_{uuid4().hex[:8]}"
    connection = await asyncpg.connect(postgres_of_api.url("optout"))
    await connection.execute(f"CREATE SCHEMA {name}; SET search_path = {name}")
    for path in sorted(MIGRATIONS.glob("*.sql")):
        if path.name < "0034":
            (tmp_path / path.name).write_text(path.read_text())
    await migrate(connection, tmp_path)
    yield connection
    await connection.execute(f"DROP SCHEMA {name} CASCADE")
    await connection.close()


async def decide(old: Connection, sequence: int, offset: int) -> None:
    await old.execute(_DECIDE, uuid4(), sequence, offset)


async def index(connection: Connection, name: str) -> int | None:
    oid: int | None = await connection.fetchval("SELECT to_regclass($1)::oid::bigint", name)
    return oid


async def test_several_entries_may_be_about_one_offset_and_none_has_the_place_of_another(old: Connection) -> None:
    await migrate(old, MIGRATIONS)
    await decide(old, 1, 7)
    await decide(old, 2, 7)
    with pytest.raises(asyncpg.UniqueViolationError, match="decisions_by_sequence"):
        await decide(old, 2, 8)


async def test_what_was_built_before_is_not_built_again(old: Connection) -> None:
    for statement in (BY_OFFSET, IN_ORDER):
        await old.execute(statement)
    built = [await index(old, name) for name in ("decisions_of_offset", "decisions_in_order")]
    await migrate(old, MIGRATIONS)
    assert [await index(old, name) for name in ("decisions_by_offset", "decisions_by_sequence")] == built
    assert await index(old, "decisions_in_order") is None


async def test_an_index_that_was_not_built_to_its_end_is_refused(old: Connection) -> None:
    await decide(old, 1, 7)
    await decide(old, 1, 8)
    with pytest.raises(asyncpg.UniqueViolationError):
        await old.execute(IN_ORDER)
    with pytest.raises(asyncpg.RaiseError, match="not built to its end"):
        await migrate(old, MIGRATIONS)
