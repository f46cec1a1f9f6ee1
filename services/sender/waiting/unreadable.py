"""Waiting messages whose request cannot be read, as after an upgrade: parked and rejected; the others go on."""

from collections.abc import Sequence
from datetime import UTC, datetime

from services.sender import metrics
from services.sender.ledger.model import MessageKey
from services.sender.report import SOURCE, Reporter
from services.sender.waiting.due import TakenRow, reject_unreadable
from shared.errors import PoisonError
from shared.events.base import derived_id, format_time
from shared.failpoints import failpoint
from shared.postgres import Pool, connection_from
from shared.producer import OutgoingRecord

_TABLE = "waiting_messages"


async def park_unreadable(pool: Pool, reporter: Reporter, bad: Sequence[tuple[TakenRow, PoisonError]]) -> None:
    """Park the requests, and reject their messages.

    Raises:
        TransientError: Kafka or Postgres is unavailable; parked again, a request shows under the same id.
    """
    now = datetime.now(UTC)
    await reporter.park([_parked(row, error, now) for row, error in bad])
    causes: list[tuple[MessageKey, str]] = [(row.key, f"{error.reason}: {error.detail}") for row, error in bad]
    async with connection_from(pool) as connection, connection.transaction():
        # Published first: a crash in between publishes the same event again, and never none.
        await reporter.publish(await reject_unreadable(connection, causes))
        failpoint("sender.after_unreadable_events")
    for _, error in bad:
        metrics.RECORDS_PARKED.labels(error.reason).inc()


def _parked(row: TakenRow, error: PoisonError, now: datetime) -> OutgoingRecord:
    headers = {
        "parked_id": str(derived_id(f"{_TABLE}|{row.account_id}|{row.message_id}", "parked")),
        "parked_reason": error.reason,
        "parked_detail": error.detail,
        "parked_by": SOURCE,
        "parked_at": format_time(now),
        "original_topic": _TABLE,
    }
    key = f"{row.account_id}/{row.message_id}".encode()
    encoded = [(name, text.encode(errors="replace")) for name, text in headers.items()]
    return OutgoingRecord(key, row.request.encode(), encoded)
