"""What was stored under several spellings of one phone is one person after the migration, and nobody is freed by it."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from harness.postgres import PostgresServer
from services.optout.decision_log.merged import count_merged, load_merged, note_published
from services.optout.decision_log.spellings import Stored, merged
from services.optout.prepare import MIGRATIONS
from shared.migrations import migrate
from shared.partitions import partition_of
from shared.suppression_digest import MASK, key_digest

PARTITIONS = 6
OLD, NEW = "+5215512345678", "+525512345678"
BRITISH_OLD, BRITISH = "+4407700900123", "+447700900123"
OTHER = "+14155550100"
NUMBER, ANOTHER_NUMBER = "+18335550123", "+18335550199"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)

Connection = asyncpg.Connection


@pytest.fixture
async def old(postgres_of_api: PostgresServer, tmp_path: Path) -> AsyncIterator[Connection]:
    """Give a schema as the version before left it, with an account and a list."""
    name = f"old_{uuid4().hex[:8]}"
    connection = await asyncpg.connect(postgres_of_api.url("optout"))
    await connection.execute(f"CREATE SCHEMA {name}; SET search_path = {name}")
    for path in sorted(MIGRATIONS.glob("*.sql")):
        if path.name < "0012":
            (tmp_path / path.name).write_text(path.read_text())
    await migrate(connection, tmp_path)
    await connection.execute("INSERT INTO accounts (account_id, name) VALUES ('acme', 'Acme')")
    await connection.execute("INSERT INTO contact_lists (account_id, name) VALUES ('acme', 'news')")
    yield connection
    await connection.execute(f"DROP SCHEMA {name} CASCADE")
    await connection.close()


async def suppress(old: Connection, phone: str, state: str, minutes: int, *, scope: str = "account") -> UUID:
    """Store a suppression as a decision before the migration did, counted for its partition."""
    cause, partition = uuid4(), partition_of(phone, PARTITIONS)
    await old.execute(
        "INSERT INTO suppressions VALUES ('acme', $1, $2, $3, $4, $5, $6, $6)",
        scope, phone, state, cause, NUMBER, NOON + timedelta(minutes=minutes),
    )  # fmt: skip
    await old.execute("INSERT INTO partition_positions (partition) VALUES ($1) ON CONFLICT DO NOTHING", partition)
    return cause


async def states(connection: Connection) -> dict[tuple[str, str], str]:
    rows = await connection.fetch("SELECT phone, scope, state FROM suppressions")
    return {(row["phone"], row["scope"]): row["state"] for row in rows}


async def test_a_stop_under_another_spelling_holds_for_the_person(old: Connection) -> None:
    cause = await suppress(old, OLD, "opted_out", 0, scope="list:1")
    await suppress(old, OTHER, "opted_out", 0)
    await migrate(old, MIGRATIONS)
    assert await states(old) == {(NEW, "list:1"): "opted_out", (OTHER, "account"): "opted_out"}
    kept = await old.fetch("SELECT phone, state, cause_event_id FROM merged_suppressions")
    assert [tuple(row) for row in kept] == [(OLD, "opted_out", cause)]


async def test_the_merged_states_wait_for_the_worker_of_their_partition_and_are_counted_there(old: Connection) -> None:
    cause = await suppress(old, OLD, "held", 0, scope="list:1")
    await suppress(old, BRITISH_OLD, "opted_out", 0)
    await suppress(old, BRITISH, "opted_out", 5)
    await migrate(old, MIGRATIONS)
    partition = partition_of(NEW, PARTITIONS)
    keys, position = await count_merged(old, partition, PARTITIONS)
    (event,) = await load_merged(old, keys)
    assert (event.phone, event.scope, event.state, event.cause_event_id) == (NEW, "list:1", "held", cause)
    expected = key_digest("acme", "list:1", int(NEW[1:])) & MASK
    assert (position.suppressed_count, position.digest) == (1, expected)
    assert await count_merged(old, partition, PARTITIONS) == (keys, position)
    elsewhere = [await count_merged(old, p, PARTITIONS) for p in range(PARTITIONS) if p != partition]
    assert all(keys == [] and position.suppressed_count == 0 for keys, position in elsewhere)
    await note_published(old, keys)
    assert await count_merged(old, partition, PARTITIONS) == ([], position)


async def test_contacts_become_one_and_keep_the_fields_of_both(old: Connection) -> None:
    for phone, fields in ((BRITISH_OLD, {"name": "Ann", "city": "Leeds"}), (BRITISH, {"name": "Anne"}), (OTHER, {})):
        await old.execute("INSERT INTO contacts VALUES ('acme', 1, $1, $2)", phone, json.dumps(fields))
    await migrate(old, MIGRATIONS)
    rows = await old.fetch("SELECT phone, fields FROM contacts ORDER BY phone")
    assert [(row["phone"], json.loads(row["fields"])) for row in rows] == [
        (OTHER, {}),
        (BRITISH, {"name": "Anne", "city": "Leeds"}),
    ]


async def test_what_was_sent_is_found_under_the_canonical_numbers_of_both_ends(old: Connection) -> None:
    await old.execute(
        "INSERT INTO sent_messages VALUES ('acme', 'm1', 1, $1, '+4407700900999', NULL, 'sent', $2)", OLD, NOON
    )
    await migrate(old, MIGRATIONS)
    row = await old.fetchrow("SELECT phone, sender_number FROM sent_messages")
    assert row is not None
    assert tuple(row) == (NEW, "+447700900999")


async def test_the_record_is_not_touched_and_its_spellings_are_known(old: Connection) -> None:
    await old.execute(
        "INSERT INTO decisions VALUES ($1, 0, 1, 0, 'acme', $2, 'STOP', $3, '{}', '\\x00')", uuid4(), OLD, NOON
    )
    (before,) = await old.fetch("SELECT * FROM decisions")
    await migrate(old, MIGRATIONS)
    (after,) = await old.fetch("SELECT * FROM decisions")
    assert dict(before).items() <= dict(after).items()  # later migrations add columns
    assert [tuple(row) for row in await old.fetch("SELECT * FROM phone_spellings")] == [("acme", NEW, OLD)]


async def test_the_migration_runs_once(old: Connection) -> None:
    await suppress(old, OLD, "opted_out", 0)
    assert "0012_canonical_phones.sql" in await migrate(old, MIGRATIONS)
    assert await migrate(old, MIGRATIONS) == []


def stored(state: str, minutes: int, number: str | None = NUMBER, phone: str = OLD) -> Stored:
    at = NOON + timedelta(minutes=minutes)
    return Stored(phone, state, UUID(int=minutes), number, at, at)


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([stored("opted_out", 0), stored("held", 5)], "opted_out"),
        ([stored("held", 0), stored("opted_in", 5, ANOTHER_NUMBER)], "held"),
        ([stored("opted_out", 0), stored("opted_in", 5)], "opted_in"),
        ([stored("opted_out", 5), stored("opted_in", 0)], "opted_out"),
        ([stored("opted_out", 0), stored("opted_in", 5, ANOTHER_NUMBER)], "opted_out"),
        ([stored("opted_out", 0), stored("opted_out", 9), stored("opted_in", 5)], "opted_out"),
        ([stored("opted_in", 0), stored("opted_in", 5)], "opted_in"),
    ],
)
def test_the_strictest_state_holds_but_for_an_opt_in_that_is_later_and_answers_it(
    rows: list[Stored], state: str
) -> None:
    assert merged(rows).state == merged(rows[::-1]).state == state
