"""Records that are no requests: parked once, and reported under their own id where they have one."""

from collections.abc import Sequence
from datetime import UTC, datetime

from aiokafka import ConsumerRecord

from services.sender import metrics
from services.sender.events import SOURCE
from services.sender.ledger.connection import Pool, session
from services.sender.ledger.parked import not_parked_yet, note_parked
from services.sender.reading import Bad
from services.sender.report import Reporter
from shared.errors import PoisonError
from shared.events.base import derived_id
from shared.events.codec import salvage
from shared.events.delivery import MessageRejected
from shared.failpoints import reach
from shared.parking import ParkedRecord, park, parked_id
from shared.phone_numbers import E164


async def park_bad(bad: Sequence[Bad], pool: Pool, reporter: Reporter) -> None:
    """Park the bad records that are not parked yet.

    Raises:
        TransientError: Kafka or Postgres is away; what is parked already shows under the same id when it comes again.
    """
    places = {(record.topic, record.partition, record.offset): (record, error) for record, error in bad}
    async with session(pool) as connection:
        new = [places[place] for place in await not_parked_yet(connection, list(places))]
        now = datetime.now(UTC)
        await reporter.park(_parked(record, error, now) for record, error in new)
        await reporter.reject(event for record, error in new if (event := rejected(record, error, now)) is not None)
        reach("sender.after_parked")
        await note_parked(connection, list(places))
    for _, error in new:
        metrics.RECORDS_PARKED.labels(error.reason).inc()


def _parked(record: ConsumerRecord, error: PoisonError, now: datetime) -> ParkedRecord:
    return park(
        service=SOURCE,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        headers=record.headers,
        error=error,
        now=now,
    )


def rejected(record: ConsumerRecord, error: PoisonError, now: datetime) -> MessageRejected | None:
    """Return the report for a record with an id that can be read; fields that are none of ours are left out."""
    found = salvage(record.value, "message_id", "account_id", "phone")
    phone = found.get("phone", "")
    for account_id in (found.get("account_id"), None):
        try:
            return MessageRejected(
                event_id=derived_id(parked_id(record.topic, record.partition, record.offset), "message_rejected"),
                occurred_at=now,
                account_id=account_id,
                message_id=found["message_id"],
                phone=phone if E164.fullmatch(phone) else None,
                reason=error.reason,
                detail=error.detail,
            )
        except (KeyError, ValueError):
            continue
    return None
