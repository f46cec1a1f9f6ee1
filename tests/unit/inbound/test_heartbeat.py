"""The heartbeat says since when the service has been able to take webhooks, and is silent while it cannot."""

from datetime import UTC, datetime, timedelta

from services.inbound.heartbeat import Heartbeat
from services.inbound.records import PlacedRecord
from shared.errors import TransientError
from shared.events.codec import decode
from shared.events.reception import CatchUpCompleted, ReceptionConfirmed, reception_event_adapter
from shared.reception.state import ReceptionLimits, ReceptionState

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
GAP, SETTLE, KNOWN, WAIT = (timedelta(seconds=each) for each in (120, 30, 10, 3_600))


class HeartbeatOfATest:
    """A heartbeat whose clock a test sets, and a publisher that keeps what it says.

    While Kafka is unavailable the producer keeps it too, and Kafka gets it later.
    """

    def __init__(self) -> None:
        self.said: list[ReceptionConfirmed] = []
        self._late: list[ReceptionConfirmed] = []
        self.missed = 0
        self._now = NOON
        self._is_available = True
        self._heartbeat = Heartbeat(self, GAP.total_seconds(), lambda: self._now)  # type: ignore[arg-type]  # all that it needs

    @property
    def since(self) -> list[str]:
        return [f"{each.since:%T}" for each in self.said]

    async def beat(self, *seconds: float, is_available: bool = True) -> None:
        self._is_available = is_available
        for each in seconds:
            self._now = NOON + timedelta(seconds=each)
            await self._heartbeat.beat()

    async def publish(self, placed: PlacedRecord) -> None:
        event = decode(reception_event_adapter, placed.record.value or b"")
        assert isinstance(event, ReceptionConfirmed)
        if not self._is_available:
            self._late.append(event)
            raise TransientError("Kafka did not acknowledge in time")
        self.said += [*self._late, event]
        self._late = []

    def standing(self) -> str:
        """Return whether messages of an account wait that was caught up with before."""
        state = ReceptionState(ReceptionLimits(GAP, SETTLE, KNOWN, WAIT))
        for event in (CatchUpCompleted(account_id="a", gateway="g", complete_to=NOON, completed_at=NOON), *self.said):
            state.apply(event, self._now)
        return state.standing_of("a", self._now).standing


async def test_after_a_silence_it_says_that_it_receives_from_now_on() -> None:
    heartbeat = HeartbeatOfATest()
    await heartbeat.beat(0, 30, 60)
    await heartbeat.beat(90, is_available=False)
    await heartbeat.beat(170, 300, 330)
    assert heartbeat.since == ["12:00:00"] * 5 + ["12:05:00"] * 2
    instances = [each.instance_id for each in heartbeat.said]
    assert len(set(instances[:5])) == 1
    assert len(set(instances)) == 2, "the heartbeat before the silence would be compacted away"


async def test_a_process_that_was_frozen_notices_it() -> None:
    heartbeat = HeartbeatOfATest()
    await heartbeat.beat(0, 121)
    assert heartbeat.since == ["12:00:00", "12:02:01"]


async def test_while_kafka_takes_only_what_goes_to_some_partitions_it_is_silent() -> None:
    heartbeat = HeartbeatOfATest()
    await heartbeat.beat(*range(0, 600, 15))
    for seconds in range(600, 1_200, 15):
        heartbeat.missed += 1
        await heartbeat.beat(seconds)
    await heartbeat.beat(1_200, 1_215)
    assert heartbeat.standing() == "waits"


async def test_it_says_no_more_than_what_kafka_has_acknowledged() -> None:
    heartbeat = HeartbeatOfATest()
    await heartbeat.beat(0, 15)
    await heartbeat.beat(30, 45, is_available=False)
    await heartbeat.beat(60, 75)
    assert [f"{each.confirmed_at:%T}" for each in heartbeat.said] == [
        "12:00:00", "12:00:00", "12:00:15", "12:00:15", "12:00:15", "12:01:00"
    ]  # fmt: skip


async def test_heartbeats_that_kafka_gets_late_do_not_hide_its_outage() -> None:
    heartbeat = HeartbeatOfATest()
    await heartbeat.beat(*range(0, 600, 15))
    await heartbeat.beat(*range(600, 1_200, 15), is_available=False)
    await heartbeat.beat(1_200, 1_215)
    assert len(heartbeat.said) == 1_215 // 15 + 1
    assert heartbeat.standing() == "waits"


async def test_an_outage_of_kafka_when_it_starts_is_not_hidden_either() -> None:
    before, heartbeat = HeartbeatOfATest(), HeartbeatOfATest()
    await before.beat(*range(0, 600, 15))
    await heartbeat.beat(*range(600, 1_200, 15), is_available=False)
    await heartbeat.beat(1_200, 1_215)
    heartbeat.said = [*before.said, *heartbeat.said]
    assert heartbeat.standing() == "waits"
