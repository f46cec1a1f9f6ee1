"""Records that are not requests: parked, and reported under their own id where they have one."""

from collections.abc import Sequence
from datetime import UTC, datetime

from services.sender import metrics
from services.sender.report import Reporter
from shared.consumer import Polled
from shared.errors import PoisonError
from shared.events.base import derived_id
from shared.events.codec import salvage
from shared.events.delivery import MessageRejected
from shared.failpoints import failpoint
from shared.parked_records import Bad, parked_id
from shared.parking import Parking
from shared.phones import E164, settled_phone


async def park_bad(bad: Sequence[Bad], parking: Parking, reporter: Reporter) -> None:
    """Park the bad records; those of a flood are not reported one by one.

    Raises:
        TransientError: Kafka is unavailable; what is parked already shows under the same id when it comes again.
    """
    now = datetime.now(UTC)
    parked = parking.park(bad, now)
    await reporter.park(parked.records)
    reports = (report_of(record, error, now) for record, error in parked.whole)
    await reporter.report_parked(event for event in reports if event is not None)
    failpoint("sender.after_parked")
    for _, error in bad:
        metrics.RECORDS_PARKED.labels(error.reason).inc()


def report_of(record: Polled, error: PoisonError, now: datetime) -> MessageRejected | None:
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
                phone=settled_phone(phone) if E164.fullmatch(phone) else None,
                reason=error.reason,
                detail=error.detail,
            )
        except (KeyError, ValueError):
            continue
    return None
