"""What one record of the topic does to the cache."""

from aiokafka import ConsumerRecord

from services.sender.suppressions.keys import key_of
from services.sender.suppressions.lookup import HELD, NOT_SUPPRESSED, OPTED_OUT, SuppressionCache
from services.sender.suppressions.watermarks import Watermarks
from shared.events.codec import decode
from shared.events.suppression import (
    CheckpointPublished,
    SuppressionChanged,
    WatermarkAdvanced,
    suppression_events,
)
from shared.suppression_digest import format_digest

_STATES = {"opted_out": OPTED_OUT, "held": HELD, "opted_in": NOT_SUPPRESSED}


class CheckpointDiffersError(Exception):
    """The cache does not hold what the opt-out service says it must."""


def apply_record(record: ConsumerRecord, cache: SuppressionCache, watermarks: Watermarks) -> None:
    """Apply a record, in the order of its partition.

    Raises:
        PoisonError: it is no event of this topic (a tombstone neither: suppressions are never deleted).
        CheckpointDiffersError: it is a checkpoint, and the keys of its partition are not what it says.
    """
    event = decode(suppression_events, record.value)
    match event:
        case SuppressionChanged():
            key = key_of(record.partition, event.phone)
            cache.apply(event.account_id, event.scope, [(key, _STATES[event.state])])
            for due in cache.due():
                due.merge()
        case WatermarkAdvanced():
            watermarks.advance(record.partition, event.next_offset)
        case CheckpointPublished():
            _compare(record, event, cache)


def _compare(record: ConsumerRecord, told: CheckpointPublished, cache: SuppressionCache) -> None:
    count, digest = cache.count_and_digest(record.partition)
    if (count, format_digest(digest)) != (told.suppressed_count, told.digest):
        raise CheckpointDiffersError(
            f"partition {record.partition} at offset {record.offset}: {count} keys here ({format_digest(digest)}),"
            f" {told.suppressed_count} there ({told.digest})"
        )
