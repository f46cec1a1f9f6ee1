"""Markers alone have their offset committed now and then: a fence need not wait for it, and nothing is lost by it."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from aiokafka import ConsumerRecord
from memory import NOON, Crashes, MemoryDecisionLog, MemoryKafka, NoAccounts, NothingToCatchUp

from services.optout.pipeline.parse import parse
from services.optout.pipeline.session import COMMIT_SECONDS, WorkerSession
from services.optout.pipeline.start import choose_start
from shared.events.codec import encode
from shared.events.inbound import FenceMarkerAppended, MessageReceived
from shared.events.suppression import (
    AccountSettingsPublished,
    AnySuppressionEvent,
    CheckpointPublished,
    MarkersPassed,
    WatermarkAdvanced,
)
from shared.parking import Parking
from shared.producer import OutgoingRecord
from shared.suppressions.lookup import query
from shared.suppressions.snapshot import Origin
from shared.suppressions.state import CacheState
from shared.topics import INBOUND_MESSAGES

CHECKPOINT_SECONDS = 1_000
_SETTINGS = AccountSettingsPublished(
    account_id="acme", epoch="0" * 16, policy="append", exempts_conversational=False, words={}
)
_MARKER = encode(FenceMarkerAppended(marker_id=UUID(int=1)))


def _reply(number: int, body: str) -> bytes:
    return encode(
        MessageReceived(
            event_id=UUID(int=number),
            occurred_at=NOON - timedelta(minutes=10 - number),
            account_id="acme",
            gateway="test",
            phone=_PHONE,
            sender_number="+18335550123",
            body=body,
        )
    )


def _stop() -> bytes:
    return _reply(2, "STOP")


_PHONE = "+14155550101"


class ChangingAccounts(NoAccounts):
    """The settings of accounts that change while a session works."""

    records: Sequence[OutgoingRecord] = ()

    async def changed(self) -> Sequence[OutgoingRecord]:
        return self.records


class Partition:
    """A session over a partition whose records come one by one."""

    def __init__(self, account_settings: NoAccounts | None = None) -> None:
        self.account_settings = account_settings or NoAccounts()
        self.kafka = MemoryKafka(Crashes())
        self.log = MemoryDecisionLog(Crashes())
        self.seconds = 0.0
        self._records: list[ConsumerRecord] = []
        self._start()

    def restart(self) -> None:
        """Have a successor start, without the one before knowing it."""
        self.account_settings = NoAccounts()
        self._start()

    def _start(self) -> None:
        start = choose_start(self.log.at, self.kafka.committed, 0, len(self._records))
        self.session = WorkerSession(
            0,
            start,
            self.log,
            self.kafka.producer(),
            NothingToCatchUp(),
            account_settings=self.account_settings,
            checkpoint_seconds=CHECKPOINT_SECONDS,
            idle_checkpoint_seconds=CHECKPOINT_SECONDS,
            seconds=lambda: self.seconds,
        )

    async def reads(self, value: bytes) -> None:
        await self.read_together([value])

    async def read_together(self, values: Sequence[bytes]) -> None:
        self.append(values)
        await self.works()

    async def works(self, session: WorkerSession | None = None, most: int = 100) -> None:
        """Have a session go on with some of what it has not read yet."""
        session = session or self.session
        records = self._records[session.published :][:most]
        for parsed in parse(records, 1, Parking("test"), NOON):
            await session.process(parsed)

    def append(self, values: Sequence[bytes]) -> None:
        self._records += [
            ConsumerRecord(INBOUND_MESSAGES, 0, offset, 0, 0, None, value, None, 0, len(value), ())
            for offset, value in enumerate(values, len(self._records))
        ]

    async def cache(self) -> tuple[int, str]:
        """Return the watermark and the recipient's state as whoever reads the topic has them."""
        state = CacheState(Origin("cluster", "suppressions", 1))
        records = [
            ConsumerRecord("suppressions", 0, place, 0, 0, key, encode(event), None, 0, 0, ())
            for place, (key, event) in enumerate(self.kafka.suppressions)
        ]
        await state.partitions[0].apply(records, len(records))
        (hit,) = state.cache.hits([query("acme", ("account",), 0, _PHONE)])
        return state.watermarks.next_offsets[0], "opted_in" if hit is None else hit.state

    def published(self, last: int = 1) -> list[AnySuppressionEvent]:
        """Return the last records."""
        return [event for _, event in self.kafka.suppressions[-last:]]

    def published_since(self, place: int) -> list[AnySuppressionEvent]:
        return [event for _, event in self.kafka.suppressions[place:]]

    @property
    def watermark(self) -> int:
        (event,) = self.published()
        assert isinstance(event, WatermarkAdvanced | MarkersPassed)
        return event.next_offset


async def test_the_first_record_of_a_session_is_a_watermark_that_is_of_no_session_yet() -> None:
    partition = Partition()
    await partition.session.start()
    (_, first), *_ = partition.kafka.suppressions
    assert first == WatermarkAdvanced(next_offset=0)


async def test_each_marker_is_passed_at_once_and_the_offset_follows_within_seconds() -> None:
    partition = Partition()
    await partition.session.start()
    for number in range(1, 4):
        partition.seconds += COMMIT_SECONDS / 10
        await partition.reads(_MARKER)
        assert (partition.watermark, partition.kafka.committed) == (number, 0)
        assert isinstance(partition.published()[0], MarkersPassed)
    partition.seconds += COMMIT_SECONDS
    await partition.reads(_MARKER)
    assert (partition.watermark, partition.kafka.committed) == (4, 4)
    assert [type(event) for event in partition.published(2)] == [MarkersPassed, WatermarkAdvanced]


async def test_a_marker_beside_something_to_decide_or_that_wants_a_checkpoint_goes_with_the_transaction() -> None:
    partition = Partition()
    await partition.session.start()
    wanting = encode(FenceMarkerAppended(marker_id=UUID(int=3), checkpoint_wanted=True))
    for values in ([_MARKER, _stop()], [_stop(), _MARKER], [wanting], [_MARKER, b"not an event"]):
        before = len(partition.kafka.suppressions)
        await partition.read_together(values)
        assert not any(isinstance(event, MarkersPassed) for _, event in partition.kafka.suppressions[before:])
        assert isinstance(partition.published()[0], WatermarkAdvanced)


async def test_a_checkpoint_that_is_due_comes_before_the_markers_that_senders_wait_for() -> None:
    partition = Partition()
    await partition.session.start()
    await partition.reads(_stop())
    partition.seconds += CHECKPOINT_SECONDS
    before = len(partition.kafka.suppressions)
    await partition.reads(_MARKER)
    assert [type(event) for event in partition.published_since(before)] == [CheckpointPublished, WatermarkAdvanced]
    partition.kafka.committed = None  # so that the successor publishes everything again
    partition.restart()
    await partition.session.start()
    await partition.works(most=1)
    assert CheckpointPublished not in map(type, partition.published_since(before + 2))
    before = len(partition.kafka.suppressions)
    await partition.works()
    assert [type(event) for event in partition.published_since(before)] == [CheckpointPublished, WatermarkAdvanced]


async def test_a_setting_that_changed_before_the_marker_is_published_with_the_transaction() -> None:
    account_settings = ChangingAccounts()
    partition = Partition(account_settings)
    await partition.session.start()
    account_settings.records = [OutgoingRecord(b"!settings|acme", encode(_SETTINGS), [])]
    await partition.reads(_MARKER)
    assert [type(event) for event in partition.published(2)] == [AccountSettingsPublished, WatermarkAdvanced]
    account_settings.records = []
    await partition.reads(_MARKER)
    assert isinstance(partition.published()[0], MarkersPassed)


async def test_what_is_decided_is_committed_with_its_watermark() -> None:
    partition = Partition()
    await partition.session.start()
    await partition.reads(_stop())
    assert (partition.watermark, partition.kafka.committed) == (1, 1)


async def test_a_zombie_that_passes_markers_lets_nobody_pass_while_its_successor_publishes_old_states_again() -> None:
    partition = Partition()
    await partition.session.start()
    await partition.read_together([_reply(1, "STOP"), _reply(2, "START"), _reply(3, "STOP")])
    assert await partition.cache() == (3, "opted_out")
    zombie = partition.session
    partition.kafka.committed = None  # so that the successor begins at the beginning
    partition.restart()
    await partition.session.start()
    await partition.works(most=2)
    assert await partition.cache() == (0, "opted_in")
    partition.append([_MARKER])
    await partition.works(zombie)
    assert partition.published() == [MarkersPassed(next_offset=4, settings_epoch=zombie._account_settings.mark.epoch)]
    assert await partition.cache() == (0, "opted_in")
    await partition.works()
    assert await partition.cache() == (4, "opted_out")
