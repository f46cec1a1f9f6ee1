"""Whether the sender can do its work: asked from inside what it is at, and from outside what it needs."""

import asyncio
from dataclasses import dataclass

from services.sender.outbound import OutboundHandler
from services.sender.watchdog import Watchdog
from shared.kafka_probe import KafkaProbe
from shared.postgres_probe import PostgresProbe
from shared.subscription import Subscription
from shared.suppressions.fence import Fence
from shared.suppressions.follow import CacheFollower
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, OUTBOUND_MESSAGES, PARKED_MESSAGES, SUPPRESSIONS

_FENCE_IS_SLOW_SECONDS = 1.5
TOPICS = (OUTBOUND_MESSAGES, SUPPRESSIONS, INBOUND_MESSAGES, DELIVERY_EVENTS, PARKED_MESSAGES)
"""What the sender reads and writes: without one of them nothing is sent."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """The running parts that the health checks look at."""

    cache: CacheFollower
    outbound: OutboundHandler
    receipts: Subscription
    watchdog: Watchdog
    fence: Fence
    kafka: KafkaProbe
    postgres: PostgresProbe
    silence_seconds: float

    async def problems(self) -> list[str]:
        """Return why nothing could be sent now; empty: the sender is ready."""
        kafka, postgres = await asyncio.gather(self.kafka.problem(), self.postgres.problem())
        fence_seconds = self.fence.waits_seconds()
        silent = self.cache.silent(self.silence_seconds) if self.silence_seconds else []
        found = {
            kafka: kafka is not None,
            "Kafka does not answer the consumers": not self.watchdog.kafka_answers,
            postgres: postgres is not None,
            f"the suppression cache is not whole: {'; '.join(self.cache.doubts)}": not self.cache.healthy,
            f"a batch waits: {self.outbound.waits_for}": self.outbound.is_waiting,
            f"a batch has waited {fence_seconds:.0f} s at the fence: the opt-out service does not say how far it is": (
                fence_seconds > _FENCE_IS_SLOW_SECONDS
            ),
            self._silence(silent): bool(silent),
            f"receipts wait: {self.receipts.waits_for}": self.receipts.waits_for is not None,
            self.watchdog.stuck: self.watchdog.stuck is not None,
        }
        return [problem for problem, is_there in found.items() if is_there and problem is not None]

    def _silence(self, partitions: list[int]) -> str:
        return (
            f"the opt-out service has said nothing for {self.silence_seconds:.0f} s about the partitions {partitions}"
        )
