"""Where a worker starts: at the smaller of the offset that Postgres has recorded and the one that Kafka has."""

import asyncio
from dataclasses import dataclass, replace

from aiokafka import TopicPartition

from services.optout.decision_log.log import DecisionLog
from services.optout.decision_log.position import Position
from services.optout.decision_log.topics import Topics
from services.optout.pipeline.context import Context
from shared.errors import TransientError
from shared.kafka import SEND_SECONDS, START_SECONDS, new_admin, within
from shared.topic_identity import is_same_topic, more_partitions
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, SUPPRESSIONS

_NO_OFFSET = -1


class MissingRecordsError(Exception):
    """Kafka does not have what must be decided next: nothing is guessed (G4), an operator has to look."""


@dataclass(frozen=True, slots=True)
class Start:
    """A place to start: `offset` is the next to publish.

    `end` is where the partition ended then: whatever predecessors have published is about offsets below it.
    """

    offset: int
    position: Position
    end: int


async def find_start(context: Context, partition: int, decision_log: DecisionLog) -> Start:
    """Return where to start; called once every predecessor is fenced: no transaction of theirs can commit any more.

    Raises:
        MissingRecordsError: see `choose_start`.
        TransientError: Kafka is unavailable.
    """
    position = await decision_log.position()
    topic_partition = TopicPartition(INBOUND_MESSAGES, partition)
    beginning, end = await context.beginning_offset(topic_partition), await context.end_offset(topic_partition)
    return choose_start(position, await _committed(context, partition), beginning, end)


def choose_start(position: Position, committed: int | None, beginning: int, end: int) -> Start:
    """Return the smaller of what is recorded and what is committed, where Kafka has all from there on.

    A database that was restored from a backup is older than Kafka: what it lacks is decided again. A process that died
    between Postgres and Kafka left Kafka incomplete: its decisions are published from the decision log. Without a
    committed offset (there never was one, or it has expired) everything is published again from the first offset that
    Kafka still has. Nothing is read that another number of partitions has placed.

    Raises:
        MissingRecordsError: the topic has lost records that are not decided, or is not the one that was recorded.
    """
    is_new = committed is None and position.next_offset == 0
    replayed = beginning if is_new else min(position.next_offset, beginning if committed is None else committed)
    offset = max(replayed, position.read_from)
    latest = max(position.next_offset, committed or 0)
    if latest > end:
        raise MissingRecordsError(
            f"{INBOUND_MESSAGES} ends at {end}, but {latest} is decided: Kafka has lost records, or this database"
            " belongs to another cluster"
        )
    if offset < beginning:
        raise MissingRecordsError(
            f"{INBOUND_MESSAGES} begins at {beginning}, but {offset} is the next to decide: records were deleted"
            " undecided"
        )
    return Start(offset, position, end)


def checked_topics(recorded: Topics, topic_ids: dict[str, str]) -> Topics:
    """Return what the positions belong to from now on, where the topics are those that were recorded: pure.

    That of `suppressions` is left as it was: what it must hold can be published again from the decision log.

    Raises:
        MissingRecordsError: a topic that is read is another one: its offsets mean other records.
    """
    for name, before in ((INBOUND_MESSAGES, recorded.inbound), (DELIVERY_EVENTS, recorded.delivery)):
        now = topic_ids[name]
        if before is not None and before != now and is_same_topic(before, now):
            raise MissingRecordsError(more_partitions(name, before, now))
        if before not in (None, now):
            raise MissingRecordsError(
                f"{name} is not the topic that this database belongs to (it is {now}, was {before}):"
                " it was recreated, or the database is another deployment's;"
                f" see 'A topic was recreated' in docs/operations.md before `stopline topics adopt {name}`"
            )
    suppressions = topic_ids[SUPPRESSIONS] if recorded.suppressions is None else recorded.suppressions
    return replace(
        recorded, inbound=topic_ids[INBOUND_MESSAGES], delivery=topic_ids[DELIVERY_EVENTS], suppressions=suppressions
    )


async def _committed(context: Context, partition: int) -> int | None:
    """Return the committed offset; None where there is none.

    Asked of the coordinator by an admin client: the consumer's own look-up swallows errors, and the admin client leaves
    a partition out where the group as a whole had an error, instead of answering -1.
    """
    topic_partition = TopicPartition(INBOUND_MESSAGES, partition)
    admin = new_admin(context.settings.kafka)
    await within(START_SECONDS, admin.start(), "connecting to Kafka")
    try:
        asked = admin.list_consumer_group_offsets(context.settings.group_id, partitions=[topic_partition])
        answer = (await within(SEND_SECONDS, asked, "asking for the committed offset")).get(topic_partition)
    finally:
        async with asyncio.timeout(SEND_SECONDS):
            await admin.close()
    if answer is None:
        raise TransientError(f"the group's offset of partition {partition} is not known yet")
    return None if answer.offset == _NO_OFFSET else int(answer.offset)
