"""Decisions about held messages that can be undone for a while: they are stored, and published when it is over.

Until then the message is held, and nothing is sent to who wrote it: whatever becomes of this process, nobody is
messaged who should not be. Any process of the API publishes what is due. One that dies in between has it published
again, with the same id, which the pipeline decides once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias
from uuid import UUID

from shared.errors import TransientError
from shared.events.base import derived_id
from shared.events.inbound import ReviewDecided
from shared.phones import settled_phone
from shared.postgres import POSTGRES_UNAVAILABLE, Connection, Pool, connection_from

log = logging.getLogger(__name__)

ReviewWord: TypeAlias = Literal["confirm", "release"]
PublishReview: TypeAlias = Callable[[ReviewDecided], Awaitable[object]]

MAX_UNDO_SECONDS = 60
_LONGEST = timedelta(seconds=MAX_UNDO_SECONDS)
_EVERY_SECONDS = 1.0
_AFTER_A_BUG_SECONDS = 10.0

# A message of the account that was held, and whether it still is. What holds has the phone, also where the recipient
# was erased meanwhile and the decision has a pseudonym.
HELD = r"""
SELECT coalesce(holds.phone, d.phone) AS phone, holds.phone IS NOT NULL AS waits
FROM decisions d LEFT JOIN LATERAL (
    SELECT s.phone FROM suppressions s
    WHERE s.account_id = d.account_id AND s.state = 'held' AND s.cause_event_id = d.event_id LIMIT 1
) AS holds ON true
WHERE d.event_id = $1 AND d.account_id = $2 AND replace(d.entry, '\u0000', '\ufffd')::json ->> 'answer' = 'held'
"""
# The newest decision counts; no row comes back where there is one that nobody can undo any more: its time is over, or,
# by a clock that was read before, it is being published (claiming moves `publish_at`).
NOTE = """
INSERT INTO review_decisions AS r (account_id, held_event_id, decision, decided_by, undo_until, publish_at)
SELECT $1, $2, $3, $4, until, until FROM (SELECT now() + make_interval(secs => $5) AS until) AS time
ON CONFLICT (account_id, held_event_id) DO UPDATE SET decision = excluded.decision, decided_by = excluded.decided_by,
    undo_until = excluded.undo_until, publish_at = excluded.publish_at
WHERE r.undo_until > now() AND r.publish_at = r.undo_until
RETURNING undo_until
"""
UNDO = """
DELETE FROM review_decisions
WHERE account_id = $1 AND held_event_id = $2 AND undo_until > now() AND publish_at = undo_until
RETURNING decision, decided_by
"""
# Claims the next decision that is due; another process takes it over where this one dies.
CLAIM = """
UPDATE review_decisions r SET publish_at = now() + interval '30 seconds'
FROM (
    SELECT account_id, held_event_id FROM review_decisions
    WHERE publish_at <= now() ORDER BY publish_at LIMIT 1 FOR UPDATE SKIP LOCKED
) due
WHERE r.account_id = due.account_id AND r.held_event_id = due.held_event_id
RETURNING r.account_id, r.held_event_id, r.decision, r.decided_by, r.undo_until
"""
# Whether whoever wrote a held message has written another one that would be held, while its release could be undone:
# that one waits under the first, and nobody may have seen it.
WROTE_AGAIN = r"""
SELECT EXISTS (
    SELECT FROM decisions d
    WHERE d.account_id = $1 AND d.phone = $2 AND d.event_id <> $3 AND d.decided_at > $4
        AND replace(d.entry, '\u0000', '\ufffd')::json ->> 'answer' = 'held'
)
"""
FORGET = "DELETE FROM review_decisions WHERE account_id = $1 AND held_event_id = $2"


async def note(  # noqa: PLR0913, PLR0917 (a decision, and who made it when)
    connection: Connection, account_id: str, held_event_id: UUID, decision: ReviewWord, by: str, seconds: int
) -> datetime | None:
    """Store the decision, in place of one that can be undone; return until when it can be, None: it is too late."""
    until: datetime | None = await connection.fetchval(NOTE, account_id, held_event_id, decision, by, seconds)
    return until


async def undo(connection: Connection, account_id: str, held_event_id: UUID) -> Any:
    """Forget the decision, and return its row; None: there is none that can be undone."""
    return await connection.fetchrow(UNDO, account_id, held_event_id)


def review_event(  # noqa: PLR0913, PLR0917 (what the event has)
    account_id: str, held_event_id: UUID, phone: str, decision: ReviewWord, by: str, now: datetime
) -> ReviewDecided:
    """Return the event; its id follows from the held message and the decision."""
    return ReviewDecided(
        event_id=derived_id(held_event_id, "review", decision),
        occurred_at=now,
        account_id=account_id,
        phone=settled_phone(phone),
        held_event_id=held_event_id,
        decision=decision,
        by=by,
    )


class DueReviews:
    """The decisions that are due.

    Args:
        pool: of the database.
        publish: publishes one, and returns when Kafka has it.
    """

    def __init__(self, pool: Pool, publish: PublishReview) -> None:
        self._pool = pool
        self._publish = publish

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            pause = _EVERY_SECONDS
            try:
                while await self.publish_next():
                    continue
            except (TransientError, *POSTGRES_UNAVAILABLE) as error:
                log.info("decisions about held messages wait: %s", error)
            except Exception:  # what works beside the API must not end it
                log.exception("decisions about held messages are not published")
                pause = _AFTER_A_BUG_SECONDS
            await asyncio.sleep(pause)

    async def publish_next(self) -> bool:
        """Publish the next decision that is due; False: there is none.

        Raises:
            TransientError: Kafka or Postgres is unavailable; it is published later.
        """
        async with connection_from(self._pool) as connection:
            row = await connection.fetchrow(CLAIM)
            if row is None:
                return False
            account_id, held_event_id, decision, by, _ = row
            held = await connection.fetchrow(HELD, held_event_id, account_id)
            is_unseen = held is not None and held["waits"] and await _is_unseen(connection, row, held["phone"])
        if held is not None and held["waits"] and not is_unseen:
            now = datetime.now(UTC)
            await self._publish(review_event(account_id, held_event_id, held["phone"], decision, by, now))
        async with connection_from(self._pool) as connection:
            await connection.execute(FORGET, account_id, held_event_id)
        return True


async def _is_unseen(connection: Connection, row: Any, phone: str) -> bool:
    """Return whether a release is of somebody who has written again meanwhile; it is forgotten, and waits again."""
    if row["decision"] == "confirm":
        return False
    since = row["undo_until"] - _LONGEST
    has_written: bool = await connection.fetchval(WROTE_AGAIN, row["account_id"], phone, row["held_event_id"], since)
    if has_written:
        log.info("the release of %s is forgotten: who wrote it has written again", row["held_event_id"])
    return has_written
