"""When Kafka had an inbound record at the latest.

The moment of the acknowledgement itself is not recorded anywhere, so each record has two bounds: its timestamp, taken
before it was sent, is no later; what followed from the acknowledgement is no earlier. What follows: the webhook's 2xx,
the events that the opt-out service wrote about it (a consumer sees only what is replicated), and the same of any
record behind it in the partition. A rule that uses the later bound can miss a violation in the time between the two
(the slack, a few milliseconds on a working system) and can never invent one.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from harness.checker.history import History, Inbound

_TIMESTAMP_GRAIN = timedelta(milliseconds=1)  # record timestamps are whole milliseconds, rounded down


def first_records(history: History) -> dict[UUID, Inbound]:
    """Return the first record of each event; the others are repetitions that change nothing."""
    first: dict[UUID, Inbound] = {}
    for record in sorted(history.inbound, key=lambda r: (r.partition, r.offset)):
        first.setdefault(record.event.event_id, record)
    return first


def acknowledged_by(history: History) -> dict[UUID, datetime]:
    """Return for each inbound event the earliest moment at which it was certainly acknowledged; absent if unknown."""
    direct = _direct_bounds(history)
    bounds: dict[UUID, datetime] = {}
    for records in _by_partition(first_records(history).values()):
        earliest: datetime | None = None
        for record in reversed(records):
            own = direct.get(record.event.event_id)
            earliest = min(filter(None, (own, earliest)), default=None)
            if earliest is not None:
                bounds[record.event.event_id] = earliest
    return bounds


def _direct_bounds(history: History) -> dict[UUID, datetime]:
    by_gateway_id = {(r.event.account_id, r.event.gateway_message_id): key for key, r in first_records(history).items()}
    seen: defaultdict[UUID, list[datetime]] = defaultdict(list)
    for answer in history.answered:
        key = by_gateway_id.get((answer.account_id, answer.gateway_message_id))
        if key is not None:
            seen[key].append(answer.answered_at)
    for changed in history.changed:
        seen[changed.event.cause_event_id].append(changed.created_at + _TIMESTAMP_GRAIN)
    for published in history.published:
        seen[published.event.cause_event_id].append(published.created_at + _TIMESTAMP_GRAIN)
    return {key: min(moments) for key, moments in seen.items()}


def _by_partition(records: Iterable[Inbound]) -> list[list[Inbound]]:
    found: defaultdict[int, list[Inbound]] = defaultdict(list)
    for record in records:
        found[record.partition].append(record)
    return [sorted(each, key=lambda r: r.offset) for each in found.values()]
