"""Merges what the decision log has of one phone under several spellings, from before numbers were made canonical.

Runs once, in the transaction of migration 0012. The entries are not touched: `phone_spellings` says under
which spellings a number's entries are found. Nothing that is forbidden becomes allowed, but by an opt-in that answers.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.optout.decision_log.merged import SuppressionKey
from shared.phones import normalise_sender_number, settled_phone
from shared.postgres import Connection

_STATEMENT_SECONDS = 3600.0
_ROWS_AT_ONCE = 10_000

_PHONES = """
SELECT phone FROM contacts UNION SELECT phone FROM sent_messages
UNION SELECT phone FROM suppressions UNION SELECT phone FROM decisions
"""
_SENDER_NUMBERS = """
SELECT sender_number FROM sent_messages UNION SELECT sender_number FROM suppressions WHERE sender_number IS NOT NULL
"""
_SPELLINGS = "CREATE TEMPORARY TABLE {} (written text PRIMARY KEY, canonical text NOT NULL) ON COMMIT DROP"

_SENT = "UPDATE sent_messages m SET phone = s.canonical FROM spellings s WHERE m.phone = s.written"
_SENT_FROM = "UPDATE sent_messages m SET sender_number = s.canonical FROM senders s WHERE m.sender_number = s.written"
_WRITTEN_TO = "UPDATE suppressions m SET sender_number = s.canonical FROM senders s WHERE m.sender_number = s.written"

# A contact's own fields win over those of its other spellings, of these the newest.
_CONTACTS = """
WITH old AS (
    DELETE FROM contacts c USING spellings s WHERE c.phone = s.written
    RETURNING c.account_id, c.list_id, s.canonical, c.fields, c.added_at
)
INSERT INTO contacts AS c (account_id, list_id, phone, fields, added_at)
SELECT DISTINCT ON (list_id, canonical) * FROM old ORDER BY list_id, canonical, added_at DESC
ON CONFLICT (list_id, phone) DO UPDATE SET
    fields = excluded.fields || c.fields, added_at = least(c.added_at, excluded.added_at)
"""

_ENTRIES = """
INSERT INTO phone_spellings (account_id, canonical, written)
SELECT DISTINCT d.account_id, s.canonical, s.written FROM decisions d JOIN spellings s ON d.phone = s.written
"""

_KEEP = "INSERT INTO merged_suppressions SELECT m.* FROM suppressions m JOIN spellings s ON m.phone = s.written"
_OF_SEVERAL = """
SELECT m.account_id, coalesce(s.canonical, m.phone) AS canonical, m.scope, m.phone, m.state, m.cause_event_id,
    m.sender_number, m.sent_at, m.changed_at
FROM suppressions m LEFT JOIN spellings s ON m.phone = s.written
WHERE s.written IS NOT NULL OR m.phone IN (SELECT canonical FROM spellings)
"""
_TAKE_AWAY = "DELETE FROM suppressions m USING spellings s WHERE m.phone = s.written"
_SAVE = """
INSERT INTO suppressions (account_id, phone, scope, state, cause_event_id, sender_number, sent_at, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (account_id, phone, scope) DO UPDATE SET
    state = excluded.state, cause_event_id = excluded.cause_event_id, sender_number = excluded.sender_number,
    sent_at = excluded.sent_at, changed_at = excluded.changed_at
"""
_TO_PUBLISH = "INSERT INTO suppressions_to_publish (account_id, phone, scope, counted) VALUES ($1, $2, $3, $4)"

_STRICTNESS = {"opted_in": 0, "held": 1, "opted_out": 2}


class Stored(NamedTuple):
    """A row of `suppressions`, without what its key says."""

    phone: str
    state: str
    cause_event_id: UUID
    sender_number: str | None
    sent_at: datetime | None
    changed_at: datetime

    @property
    def forbids(self) -> bool:
        return self.state != "opted_in"

    @property
    def at(self) -> datetime:
        return self.sent_at or self.changed_at


def merged(rows: Sequence[Stored]) -> Stored:
    """Return the state that holds for the phone: the strictest, or an opt-in that is later and answers all others.

    It answers what was written to the same number of ours.
    """
    strictest = max(rows, key=lambda row: (_STRICTNESS[row.state], row.at))
    newest = max(rows, key=lambda row: row.at)
    forbidding = [row for row in rows if row.forbids]
    answers = all(row.at < newest.at and row.sender_number == newest.sender_number for row in forbidding)
    return newest if not newest.forbids and answers else strictest


async def merge_spellings(connection: Connection) -> None:
    """Merge contacts, what was sent and suppressions."""
    await _find(connection, "spellings", _PHONES, settled_phone)
    await _find(connection, "senders", _SENDER_NUMBERS, _settled_sender)
    for statement in (_CONTACTS, _SENT, _SENT_FROM, _WRITTEN_TO, _ENTRIES, _KEEP):
        await connection.execute(statement, timeout=_STATEMENT_SECONDS)
    rows = await connection.fetch(_OF_SEVERAL, timeout=_STATEMENT_SECONDS)
    await connection.execute(_TAKE_AWAY, timeout=_STATEMENT_SECONDS)
    several: dict[SuppressionKey, list[Stored]] = defaultdict(list)
    for account_id, canonical, scope, *stored in rows:
        several[account_id, canonical, scope].append(Stored(*stored))
    await _save(connection, several)


async def _find(connection: Connection, table: str, query: str, settled: Callable[[str], str]) -> None:
    """Make a table of those texts that are written differently now."""
    await connection.execute(_SPELLINGS.format(table))
    found: list[tuple[str, str]] = []
    async for (written,) in connection.cursor(query, prefetch=_ROWS_AT_ONCE, timeout=_STATEMENT_SECONDS):
        if (canonical := settled(written)) != written:
            found.append((written, canonical))
    await connection.copy_records_to_table(table, records=found, timeout=_STATEMENT_SECONDS)


def _settled_sender(text: str) -> str:
    try:
        return normalise_sender_number(text)
    except ValueError:
        return text


async def _save(connection: Connection, several: Mapping[SuppressionKey, Sequence[Stored]]) -> None:
    changed = [(key, state) for key, rows in several.items() if (state := _changed(key, rows)) is not None]
    await connection.executemany(_SAVE, [(*key, *state[1:]) for key, state in changed], timeout=_STATEMENT_SECONDS)
    await connection.executemany(
        _TO_PUBLISH,
        [(*key, _counted(key, several[key], state)) for key, state in changed],
        timeout=_STATEMENT_SECONDS,
    )


def _changed(key: SuppressionKey, rows: Sequence[Stored]) -> Stored | None:
    """Return the state that the canonical number gets, where it is not the one that it has."""
    now = merged(rows)
    return None if now.phone == key[1] else now


def _counted(key: SuppressionKey, before: Sequence[Stored], now: Stored) -> int:
    """Return what the key adds to the number of suppressed keys of its partition.

    Those of other spellings stay suppressed in the topic, and counted.
    """
    return int(now.forbids) - int(any(row.forbids for row in before if row.phone == key[1]))
