"""The moment by which Kafka had acknowledged a reply.

The moment itself is not recorded, but it has two bounds. The record's timestamp, taken before the record was sent, is
the lower one. The upper one is the earliest consequence of the acknowledgement: the webhook's 2xx, an event that the
opt-out service published about the reply (a consumer sees only replicated records), or the same of a later record of
the partition. A check that uses the upper bound can miss a violation in the time between the two, a few milliseconds
on a working system, and can never report one that did not happen.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from harness.checker.history import ChangeRecord, History, ReplyRecord, SuppressionRecord

_TIMESTAMP_GRAIN = timedelta(milliseconds=1)  # record timestamps are whole milliseconds, rounded down


def first_records(history: History) -> dict[UUID, ReplyRecord]:
    """Return the first record of each reply by its event id; the others are repetitions, which change nothing."""
    first: dict[UUID, ReplyRecord] = {}
    for record in sorted(history.replies, key=lambda r: (r.partition, r.offset)):
        first.setdefault(record.event.event_id, record)
    return first


def acknowledged_by(history: History) -> dict[UUID, datetime]:
    """Return for each reply the earliest moment at which it was certainly acknowledged; absent if there is none."""
    own_bounds = _own_bounds(history)
    bounds: dict[UUID, datetime] = {}
    for records in _by_partition(first_records(history).values()):
        earliest: datetime | None = None
        for record in reversed(records):
            own = own_bounds.get(record.event.event_id)
            earliest = min(filter(None, (own, earliest)), default=None)
            if earliest is not None:
                bounds[record.event.event_id] = earliest
    return bounds


def _own_bounds(history: History) -> dict[UUID, datetime]:
    """Return the earliest consequence of each reply's own acknowledgement."""
    by_gateway_id = {(r.event.account_id, r.event.gateway_message_id): key for key, r in first_records(history).items()}
    consequences: defaultdict[UUID, list[datetime]] = defaultdict(list)
    for accepted in history.accepted:
        key = by_gateway_id.get((accepted.account_id, accepted.gateway_message_id))
        if key is not None:
            consequences[key].append(accepted.answered_at)
    published: list[ChangeRecord | SuppressionRecord] = [*history.changes, *history.suppressions]
    for record in published:
        consequences[record.event.cause_event_id].append(record.created_at + _TIMESTAMP_GRAIN)
    return {key: min(moments) for key, moments in consequences.items()}


def _by_partition(records: Iterable[ReplyRecord]) -> list[list[ReplyRecord]]:
    found: defaultdict[int, list[ReplyRecord]] = defaultdict(list)
    for record in records:
        found[record.partition].append(record)
    return [sorted(each, key=lambda r: r.offset) for each in found.values()]
