"""The heartbeat says since when the service has been able to take webhooks, and is silent while it cannot."""

import json
from datetime import UTC, datetime, timedelta

from services.inbound.heartbeat import Heartbeat
from services.inbound.publish import PlacedRecord
from shared.errors import TransientError

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


class HeartbeatOfATest:
    """A heartbeat whose clock a test sets, and a publisher that keeps what it says while Kafka is available."""

    def __init__(self) -> None:
        self.since: list[str] = []
        self.instances: list[str] = []
        self._now = NOON
        self._is_available = True
        self._heartbeat = Heartbeat(self, 120, lambda: self._now)  # type: ignore[arg-type]  # all that it needs

    async def beat(self, *seconds: float, is_available: bool = True) -> None:
        self._is_available = is_available
        for each in seconds:
            self._now = NOON + timedelta(seconds=each)
            await self._heartbeat.beat()

    async def publish(self, placed: PlacedRecord) -> None:
        if not self._is_available:
            raise TransientError("Kafka is unavailable")
        said = json.loads(placed.record.value or b"")
        self.since.append(said["since"][11:19])
        self.instances.append(said["instance_id"])


async def test_after_a_silence_it_says_that_it_receives_from_now_on() -> None:
    heartbeat = HeartbeatOfATest()
    await heartbeat.beat(0, 30, 60)
    await heartbeat.beat(90, is_available=False)
    await heartbeat.beat(170, 300, 330)
    assert heartbeat.since == ["12:00:00"] * 4 + ["12:05:00"] * 2
    assert len(set(heartbeat.instances[:4])) == 1
    assert len(set(heartbeat.instances)) == 2, "the heartbeat before the silence would be compacted away"


async def test_a_process_that_was_frozen_notices_it() -> None:
    heartbeat = HeartbeatOfATest()
    await heartbeat.beat(0, 121)
    assert heartbeat.since == ["12:00:00", "12:02:01"]
