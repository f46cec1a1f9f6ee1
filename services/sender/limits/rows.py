"""Rows of limits and of recipients in the sender's database: locked in an order, saved, and corrected.

Whoever locks rows has them alone until its transaction ends. All processes lock in the same order: none waits for one
that waits for it. The time is the database's: senders share one clock.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from services.sender.limits.number_limits import LimitName
from services.sender.limits.number_use import NumberUse
from shared.postgres import Connection

# Locks the rows that there are, too, and returns them all.
_LOCK_LIMITS = """
INSERT INTO number_limits AS l (account_id, name)
SELECT account_id, name FROM unnest($1::text[], $2::text[]) AS wanted (account_id, name) ORDER BY account_id, name
ON CONFLICT (account_id, name) DO UPDATE SET changed_at = clock_timestamp()
RETURNING account_id, name, spent_until, queue_until, late_until, day, sent, day_queue_until
"""
_SAVE_LIMITS = """
UPDATE number_limits l SET spent_until = saved.spent_until, queue_until = saved.queue_until,
    late_until = saved.late_until, day = saved.day, sent = saved.sent, day_queue_until = saved.day_queue_until,
    changed_at = now()
FROM unnest(
    $1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::date[], $7::bigint[],
    $8::timestamptz[]
) AS saved (account_id, name, spent_until, queue_until, late_until, day, sent, day_queue_until)
WHERE l.account_id = saved.account_id AND l.name = saved.name
"""
# In the order in which whoever counts locks them.
_LOCK_GIVEN_BACK = """
SELECT FROM number_limits l JOIN unnest($1::text[], $2::text[]) AS unused (account_id, name) USING (account_id, name)
ORDER BY account_id, name FOR UPDATE OF l
"""
_GIVE_BACK = """
UPDATE number_limits l SET sent = greatest(0, l.sent - unused.count)
FROM unnest($1::text[], $2::text[], $3::date[], $4::bigint[]) AS unused (account_id, name, day, count)
WHERE l.account_id = unused.account_id AND l.name = unused.name AND l.day = unused.day
"""

_LOCK_RECIPIENTS = """
INSERT INTO recipient_messages AS r (account_id, phone, list_id)
SELECT account_id, phone, list_id FROM unnest($1::text[], $2::text[], $3::bigint[])
    AS wanted (account_id, phone, list_id) ORDER BY account_id, phone, list_id
ON CONFLICT (account_id, phone, list_id) DO UPDATE SET forget_at = r.forget_at
RETURNING account_id, phone, list_id, times, message_times
"""
_SAVE_RECIPIENTS = """
UPDATE recipient_messages r
SET times = saved.times, forget_at = saved.forget_at, message_times = saved.message_times
FROM jsonb_to_recordset($1::jsonb) AS saved (
    account_id text, phone text, list_id bigint, times timestamptz[], forget_at timestamptz, message_times jsonb
)
WHERE r.account_id = saved.account_id AND r.phone = saved.phone AND r.list_id = saved.list_id
"""
_LOCK_TAKEN_OUT = """
SELECT FROM recipient_messages r JOIN unnest($1::text[], $2::text[], $3::bigint[])
    AS unused (account_id, phone, list_id) USING (account_id, phone, list_id)
ORDER BY account_id, phone, list_id FOR UPDATE OF r
"""
_TAKE_OUT = """
UPDATE recipient_messages r SET times = ARRAY(SELECT at FROM unnest(r.times) AS at WHERE at <> ALL (unused.times))
FROM jsonb_to_recordset($1::jsonb) AS unused (account_id text, phone text, list_id bigint, times timestamptz[])
WHERE r.account_id = unused.account_id AND r.phone = unused.phone AND r.list_id = unused.list_id
"""
_FORGET = """
WITH old AS (SELECT ctid FROM recipient_messages WHERE forget_at < now() LIMIT $1 FOR UPDATE SKIP LOCKED)
DELETE FROM recipient_messages WHERE ctid = ANY (ARRAY(SELECT ctid FROM old))
"""
_FORGET_LIMITS = "DELETE FROM number_limits WHERE changed_at < now() - $1::interval AND queue_until < now()"

_IDLE = timedelta(days=7)


class CountedRecipient(NamedTuple):
    """A recipient of an account, or of one of its lists; `list_id` 0: of all."""

    account_id: str
    phone: str
    list_id: int


async def lock_limits(connection: Connection, names: Collection[LimitName]) -> dict[LimitName, NumberUse]:
    """Return, and lock, the use of these limits."""
    rows = await connection.fetch(_LOCK_LIMITS, [name.account_id for name in names], [name.name for name in names])
    return {LimitName(row[0], row[1]): NumberUse(*row[2:]) for row in rows}


async def save_limits(connection: Connection, used: Mapping[LimitName, NumberUse]) -> None:
    """Save the use of limits that this transaction has locked."""
    uses = list(used.values())
    await connection.execute(
        _SAVE_LIMITS,
        [name.account_id for name in used],
        [name.name for name in used],
        [use.spent_until for use in uses],
        [use.queue_until for use in uses],
        [use.late_until for use in uses],
        [use.day for use in uses],
        [use.sent for use in uses],
        [use.day_queue_until for use in uses],
    )


async def give_back(connection: Connection, unused: Mapping[tuple[LimitName, date], int]) -> None:
    """Take messages out of the counts of their days; nothing where the day is over."""
    columns = [name.account_id for name, _ in unused], [name.name for name, _ in unused]
    await connection.execute(_LOCK_GIVEN_BACK, *columns)
    await connection.execute(_GIVE_BACK, *columns, [day for _, day in unused], list(unused.values()))


class RecipientUse(NamedTuple):
    """A record of when a recipient was messaged, of the last messages by id, and of when it may be forgotten.

    An id whose time is not among `times` was not counted after all.
    """

    times: Sequence[datetime]
    message_times: Mapping[str, datetime] = MappingProxyType({})
    forget_at: datetime | None = None


async def lock_recipients(
    connection: Connection, keys: Collection[CountedRecipient]
) -> dict[CountedRecipient, RecipientUse]:
    """Return, and lock, when these recipients were messaged."""
    rows = await connection.fetch(
        _LOCK_RECIPIENTS, [key.account_id for key in keys], [key.phone for key in keys], [key.list_id for key in keys]
    )
    return {CountedRecipient(row[0], row[1], row[2]): RecipientUse(row[3], _times_of(row[4])) for row in rows}


def _times_of(message_times: str) -> dict[str, datetime]:
    found = json.loads(message_times).items() if message_times != "{}" else ()
    return {message_id: datetime.fromisoformat(at) for message_id, at in found}


async def save_recipients(connection: Connection, saved: Mapping[CountedRecipient, RecipientUse]) -> None:
    """Save when recipients were messaged, and when that may be forgotten."""
    rows = [
        {
            **key._asdict(),
            "times": [at.isoformat() for at in use.times],
            "message_times": {message_id: at.isoformat() for message_id, at in use.message_times.items()},
            "forget_at": use.forget_at and use.forget_at.isoformat(),
        }
        for key, use in saved.items()
    ]
    await connection.execute(_SAVE_RECIPIENTS, json.dumps(rows))


async def take_out(connection: Connection, unused: Mapping[CountedRecipient, Sequence[datetime]]) -> None:
    """Take out times under which nothing was sent after all."""
    keys = [key.account_id for key in unused], [key.phone for key in unused], [key.list_id for key in unused]
    await connection.execute(_LOCK_TAKEN_OUT, *keys)
    rows = [{**key._asdict(), "times": [at.isoformat() for at in times]} for key, times in unused.items()]
    await connection.execute(_TAKE_OUT, json.dumps(rows))


async def forget_some(connection: Connection, limit_rows: int) -> int:
    """Remove rows that no window reaches any more, and limits that are idle; return how many of the former."""
    await connection.execute(_FORGET_LIMITS, _IDLE)
    return int((await connection.execute(_FORGET, limit_rows)).rpartition(" ")[2])
