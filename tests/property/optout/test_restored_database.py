"""A database that was restored, or a replica that took over: senders wait until the replay is through (G1)."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from aiokafka import ConsumerRecord
from memory import NOON, Crashes, MemoryDecisionLog, MemoryKafka, NoAccounts, NothingToCatchUp

from services.optout.decision_log.position import PositionMovedError
from services.optout.pipeline.parse import parse
from services.optout.pipeline.session import WorkerSession
from services.optout.pipeline.start import choose_start
from shared.events.codec import encode
from shared.events.inbound import FenceMarkerAppended, MessageReceived
from shared.events.suppression import CheckpointPublished, MarkersPassed, SuppressionChanged, WatermarkAdvanced
from shared.parking import Parking
from shared.topics import INBOUND_MESSAGES

STOPS = 3


class ReplayedPartition:
    """A partition that has three STOPs when a session begins, of which all are committed in Kafka."""

    def __init__(self) -> None:
        self.kafka, self.log = MemoryKafka(Crashes()), MemoryDecisionLog(Crashes())

    def begins(self) -> WorkerSession:
        start = choose_start(self.log.at, self.kafka.committed, 0, STOPS)
        producer = self.kafka.producer()
        how = {"checkpoint_seconds": 1_000.0, "idle_checkpoint_seconds": 1_000.0, "seconds": lambda: 0.0}
        return WorkerSession(
            0,
            start,
            self.log,
            producer,
            NothingToCatchUp(),
            account_settings=NoAccounts(),
            **how,  # type: ignore[arg-type]
        )

    @property
    def published(self) -> list[object]:
        return [
            event.next_offset if isinstance(event, WatermarkAdvanced) else type(event)
            for _, event in self.kafka.suppressions
        ]


async def read(session: WorkerSession, offset: int, value: bytes) -> None:
    record = ConsumerRecord(INBOUND_MESSAGES, 0, offset, 0, 0, None, value, None, 0, len(value), ())
    for parsed in parse([record], 1, Parking("test"), NOON):
        await session.process(parsed)


async def decide(session: WorkerSession, offset: int) -> None:
    stop = MessageReceived(
        event_id=UUID(int=offset + 1),
        occurred_at=NOON - timedelta(seconds=1),
        account_id="acme",
        gateway="test",
        phone=f"+1415555010{offset}",
        sender_number="+18335550123",
        body="STOP",
    )
    await read(session, offset, encode(stop))


async def test_no_watermark_passes_before_the_replay_is_through_and_a_checkpoint_comes_before_it() -> None:
    partition = ReplayedPartition()
    session = partition.begins()
    await session.start()
    for offset in range(STOPS):
        await decide(session, offset)
    change, checkpoint = SuppressionChanged, CheckpointPublished
    assert partition.published == [0, 0, change, 0, change, 0, change, checkpoint, STOPS]


async def test_markers_at_the_end_of_a_replay_have_the_checkpoint_before_their_watermark() -> None:
    partition = ReplayedPartition()
    session = partition.begins()
    await session.start()
    for offset in range(STOPS - 1):
        await decide(session, offset)
    await read(session, STOPS - 1, encode(FenceMarkerAppended(marker_id=UUID(int=9))))
    assert MarkersPassed not in partition.published
    assert partition.published[-2:] == [CheckpointPublished, STOPS]


async def test_entries_that_are_gone_when_they_are_to_be_published_end_the_session_without_a_watermark() -> None:
    partition = ReplayedPartition()
    session = partition.begins()
    await session.start()
    for offset in range(STOPS):
        await decide(session, offset)
    partition.kafka.committed = 0  # the process died between Postgres and Kafka
    successor = partition.begins()
    await successor.start()
    before = len(partition.kafka.suppressions)
    partition.log.at, partition.log.stored = replace(partition.log.at, next_offset=0), []
    with pytest.raises(PositionMovedError):
        await decide(successor, 0)
    assert len(partition.kafka.suppressions) == before


async def test_a_database_that_is_restored_while_a_session_begins_ends_it() -> None:
    """Else the first decision would move the position past all that the restored database lacks (G2)."""
    partition = ReplayedPartition()
    session = partition.begins()
    await session.start()
    for offset in range(STOPS):
        await decide(session, offset)
    begun = partition.begins()
    partition.log.at = replace(partition.log.at, next_offset=0)
    with pytest.raises(PositionMovedError):
        await begun.start()
