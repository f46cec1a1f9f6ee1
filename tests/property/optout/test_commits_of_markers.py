"""Markers alone have their offset committed now and then: a fence need not wait for it, and nothing is lost by it."""

from datetime import timedelta
from uuid import UUID

from aiokafka import ConsumerRecord
from memory import NOON, Crashes, MemoryDecisionLog, MemoryKafka, NoAccounts, NothingToCatchUp

from services.optout.pipeline.parse import parse
from services.optout.pipeline.session import COMMIT_SECONDS, WorkerSession
from services.optout.pipeline.start import choose_start
from shared.events.codec import encode
from shared.events.inbound import FenceMarkerAppended, MessageReceived
from shared.events.suppression import WatermarkAdvanced
from shared.parking import Parking
from shared.topics import INBOUND_MESSAGES

_MARKER = encode(FenceMarkerAppended(marker_id=UUID(int=1)))


class Partition:
    """A session over a partition whose records come one by one."""

    def __init__(self) -> None:
        self.kafka = MemoryKafka(Crashes())
        self.log = MemoryDecisionLog(Crashes())
        self.seconds = 0.0
        self._offset = 0
        self._start()

    def _start(self) -> None:
        start = choose_start(self.log.at, self.kafka.committed, 0, self._offset)
        self.session = WorkerSession(
            0,
            start,
            self.log,
            self.kafka.producer(),
            NothingToCatchUp(),
            settings=NoAccounts(),
            checkpoint_seconds=1_000,
            idle_checkpoint_seconds=1_000,
            seconds=lambda: self.seconds,
        )

    async def reads(self, value: bytes) -> None:
        record = ConsumerRecord(INBOUND_MESSAGES, 0, self._offset, 0, 0, None, value, None, 0, len(value), ())
        self._offset += 1
        for parsed in parse([record], 1, Parking("test"), NOON):
            await self.session.process(parsed)

    @property
    def watermark(self) -> int:
        marks = [event.next_offset for _, event in self.kafka.suppressions if isinstance(event, WatermarkAdvanced)]
        return marks[-1]


async def test_each_marker_has_its_watermark_and_the_offset_follows_within_a_second() -> None:
    partition = Partition()
    await partition.session.start()
    for number in range(1, 4):
        partition.seconds += COMMIT_SECONDS / 10
        await partition.reads(_MARKER)
        assert (partition.watermark, partition.kafka.committed) == (number, 0)
    partition.seconds += COMMIT_SECONDS
    await partition.reads(_MARKER)
    assert (partition.watermark, partition.kafka.committed) == (4, 4)


async def test_what_is_decided_is_committed_with_its_watermark() -> None:
    partition = Partition()
    await partition.session.start()
    stop = MessageReceived(
        event_id=UUID(int=2),
        occurred_at=NOON - timedelta(seconds=1),
        account_id="acme",
        gateway="test",
        phone="+14155550101",
        sender_number="+18335550123",
        body="STOP",
    )
    await partition.reads(encode(stop))
    assert (partition.watermark, partition.kafka.committed) == (1, 1)
