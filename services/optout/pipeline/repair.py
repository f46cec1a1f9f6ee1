"""Makes `suppressions` say what the decision log says: where it was recreated, or others have written to it."""

import logging
import re
from collections.abc import AsyncIterator, Iterator

from aiokafka import TopicPartition

from services.optout.decision_log.states import states_of_partition
from services.optout.pipeline.context import Context
from services.optout.pipeline.publish import Publication
from services.optout.pipeline.records import record_of
from services.optout.pipeline.session import Publishes
from shared.errors import PoisonError
from shared.events.base import derived_id
from shared.events.codec import decode
from shared.events.suppression import (
    CHANGES_KEY,
    SuppressionChanged,
    SuppressionsChanged,
    suppression_event_adapter,
)
from shared.kafka import SEND_SECONDS, assigned_consumer, within
from shared.partitions import partition_of
from shared.postgres import connection_from
from shared.producer import OutgoingRecord
from shared.topics import SUPPRESSIONS

log = logging.getLogger(__name__)

_AT_ONCE = 2_000
_POLL_MS = 500
_KEY = re.compile(r"([a-z0-9][a-z0-9_-]{0,63})\|(account|list:[0-9]+|sender:.+)\|(\+[1-9][0-9]{6,14})")

PublishedStates = dict[bytes, str | None]
"""The state of each key of the topic; None where its newest record cannot be read."""


async def repair(context: Context, partition: int, publisher: Publishes, next_offset: int) -> int:
    """Publish whatever differs, and return how many keys that were; `next_offset` is the watermark meanwhile.

    The watermark goes first, of no session: after it, readers pass over what a predecessor says of markers. A decision
    log that was restored has old states, which none may take for new ones by that.

    Raises:
        FencedError, TransientError: as publishing does; what was published is right, the rest is still to be done.
    """
    await publisher.publish(Publication(next_offset))
    held = await _published_states(context, partition)
    waiting: list[OutgoingRecord] = []
    count = 0
    async for record in _differences(context, partition, held):
        waiting.append(record)
        count += 1
        if len(waiting) == _AT_ONCE:
            await publisher.publish(Publication(next_offset, repaired=waiting))
            waiting = []
    if waiting:
        await publisher.publish(Publication(next_offset, repaired=waiting))
    log.warning("partition %d: %d suppressions in Kafka were not what the decision log says", partition, count)
    return count


async def _differences(context: Context, partition: int, held: PublishedStates) -> AsyncIterator[OutgoingRecord]:
    async with connection_from(context.pool) as connection, connection.transaction(readonly=True):
        async for event in states_of_partition(connection, partition, context.settings.partitions):
            if held.pop(event.key(), "nothing") != event.state:
                yield record_of(event.key(), event)
    for record in _unknown(context, partition, held):
        yield record


def _unknown(context: Context, partition: int, held: PublishedStates) -> Iterator[OutgoingRecord]:
    """Withdraw states that the decision log does not know; a key that has no place here is removed."""
    for key, state in held.items():
        found = _KEY.fullmatch(key.decode(errors="replace"))
        if found is None or partition_of(found[3], context.settings.partitions) != partition:
            yield OutgoingRecord(key, None, [])
        elif state != "opted_in":
            event = SuppressionChanged(
                account_id=found[1],
                scope=found[2],
                phone=found[3],
                state="opted_in",
                cause_event_id=derived_id(key.decode(), "repaired"),
                changed_at=context.now(),
            )
            yield record_of(key, event)


async def _published_states(context: Context, partition: int) -> PublishedStates:
    """Read the partition from its beginning to its end."""
    topic_partition, held = TopicPartition(SUPPRESSIONS, partition), PublishedStates()
    end = await context.end_offset(topic_partition)
    async with assigned_consumer(context.settings.kafka, [topic_partition]) as consumer:
        await within(SEND_SECONDS, consumer.seek_to_beginning(topic_partition), "seeking")
        while await within(SEND_SECONDS, consumer.position(topic_partition), "position") < end:
            polled = await within(SEND_SECONDS, consumer.getmany(timeout_ms=_POLL_MS), "reading what is published")
            for record in polled.get(topic_partition, ()):
                _note(held, record.key, record.value)
    return held


def _note(held: PublishedStates, key: bytes | None, value: bytes | None) -> None:
    if key is not None and key.startswith(CHANGES_KEY):
        held.update(_states_of_many(key, value))
        return
    if key is None or key.startswith(b"!"):  # what is published whenever a session starts
        return
    if value is None and _KEY.fullmatch(key.decode(errors="replace")) is None:
        held.pop(key, None)
    else:
        held[key] = _state(key, value)


def _states_of_many(key: bytes, value: bytes | None) -> PublishedStates:
    try:
        event = decode(suppression_event_adapter, value)
    except PoisonError:
        return {}  # whoever reads it doubts until the next checkpoint, which says whether it has hidden anything
    if not isinstance(event, SuppressionsChanged) or event.key() != key:
        return {}
    return {each.key(): each.state for each in event.singly()}


def _state(key: bytes, value: bytes | None) -> str | None:
    try:
        event = decode(suppression_event_adapter, value)
    except PoisonError:
        return None
    return event.state if isinstance(event, SuppressionChanged) and event.key() == key else None
