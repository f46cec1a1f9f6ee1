"""Makes `suppressions` say what the decision log says: where it was recreated, or others have written to it.

Nothing that it forbids is allowed by that without an opt-in that was decided after it: a decision log that was restored
may have decided a reply otherwise than before. What only the topic forbids is asked for again by a request on
`inbound-messages`, as everything is that changes a suppression; so the decision log forbids it too, and says why.
"""

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from aiokafka import TopicPartition

from services.optout.decision_log.states import is_decided_after, states_of_partition
from services.optout.pipeline.context import Context
from services.optout.pipeline.publish import Publication
from services.optout.pipeline.records import record_of
from services.optout.pipeline.session import Publishes
from shared.errors import PoisonError
from shared.events.base import derived_id
from shared.events.codec import decode
from shared.events.inbound import OptOutRequested
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

PublishedStates = dict[bytes, SuppressionChanged | None]
"""The state of each key of the topic; None where its newest record cannot be read."""
Asks = Callable[[int, Sequence[OptOutRequested]], Awaitable[None]]
"""Publishes requests to a partition of `inbound-messages`."""


@dataclass(slots=True)
class _Found:
    """The differences that are still to be published."""

    corrected: list[OutgoingRecord] = field(default_factory=list)
    requests: list[OptOutRequested] = field(default_factory=list)

    def add(self, difference: OutgoingRecord | OptOutRequested) -> int:
        if isinstance(difference, OptOutRequested):
            self.requests.append(difference)
        else:
            self.corrected.append(difference)
        return len(self.corrected) + len(self.requests)


async def repair(context: Context, partition: int, publisher: Publishes, next_offset: int, ask: Asks) -> int:
    """Publish whatever differs, and return how many keys that were; `next_offset` is the watermark meanwhile.

    The watermark goes first, of no session: after it, readers pass over what a predecessor says of markers. A decision
    log that was restored has old states, which none may take for new ones by that.

    Raises:
        FencedError, TransientError: as publishing does; what was published is right, the rest is still to be done.
    """
    await publisher.publish(Publication(next_offset))
    held = await _published_states(context, partition)
    found, corrected, asked = _Found(), 0, 0

    async def publish() -> None:
        await ask(partition, found.requests)
        await publisher.publish(Publication(next_offset, repaired=found.corrected))

    async for difference in _differences(context, partition, held):
        asked += isinstance(difference, OptOutRequested)
        corrected += not isinstance(difference, OptOutRequested)
        if found.add(difference) == _AT_ONCE:
            await publish()
            found = _Found()
    if found.corrected or found.requests:
        await publish()
    log.warning(
        "partition %d: %d suppressions in Kafka were not what the decision log says; %d that only Kafka has are asked"
        " for again",
        partition, corrected, asked,
    )  # fmt: skip
    return corrected + asked


async def _differences(
    context: Context, partition: int, held: PublishedStates
) -> AsyncIterator[OutgoingRecord | OptOutRequested]:
    async with connection_from(context.pool) as connection, connection.transaction(readonly=True):
        async for event in states_of_partition(connection, partition, context.settings.partitions):
            is_published, before = event.key() in held, held.pop(event.key(), None)
            if before is not None and event.state == "opted_in" and before.state != "opted_in":
                is_answered = await is_decided_after(connection, event.cause_event_id, before.cause_event_id)
                yield record_of(event.key(), event) if is_answered else _request(before)
            elif not is_published or before is None or before.state != event.state:
                yield record_of(event.key(), event)
    for difference in _unknown(context, partition, held):
        yield difference


def _unknown(context: Context, partition: int, held: PublishedStates) -> Iterator[OutgoingRecord | OptOutRequested]:
    """Ask for what the decision log does not know; a key that has no place here is removed.

    A record that cannot be read forbids nothing by itself: its key is allowed.
    """
    for key, before in held.items():
        found = _KEY.fullmatch(key.decode(errors="replace"))
        if found is None or partition_of(found[3], context.settings.partitions) != partition:
            yield OutgoingRecord(key, None, [])
        elif before is None:
            event = SuppressionChanged(
                account_id=found[1],
                scope=found[2],
                phone=found[3],
                state="opted_in",
                cause_event_id=derived_id(key.decode(), "repaired"),
                changed_at=context.now(),
            )
            yield record_of(key, event)
        elif before.state != "opted_in":
            yield _request(before)


def _request(forbidden: SuppressionChanged) -> OptOutRequested:
    """Return the request for what is published already, the same whenever it is made; a later opt-in stays."""
    return OptOutRequested(
        event_id=derived_id(forbidden.key().decode(), str(forbidden.cause_event_id), "kept by a repair"),
        occurred_at=forbidden.changed_at,
        account_id=forbidden.account_id,
        phone=forbidden.phone,
        scopes=(forbidden.scope,),
        by="stopline topics repair",
        source="import",
        statement="Kafka had this opt-out and the decision log did not",
        asked_at=forbidden.changed_at,
    )


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
    return {each.key(): each for each in event.singly()}


def _state(key: bytes, value: bytes | None) -> SuppressionChanged | None:
    try:
        event = decode(suppression_event_adapter, value)
    except PoisonError:
        return None
    return event if isinstance(event, SuppressionChanged) and event.key() == key else None
