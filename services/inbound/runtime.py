"""The running inbound service: its connection to Kafka, open until the process ends."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from services.inbound.heartbeat import Heartbeat
from services.inbound.kafka_link import KafkaLink
from services.inbound.outside import Outside
from services.inbound.publish import Publisher
from services.inbound.settings import InboundSettings
from shared.background import GiveUp, in_background
from shared.partition_watch import watch_partitions


@dataclass(frozen=True, slots=True)
class Runtime:
    """The running parts of the service."""

    link: KafkaLink
    publisher: Publisher
    outside: Outside = field(default_factory=Outside)

    async def problems(self) -> list[str]:
        """Return why a webhook that came now would not be acknowledged; empty: it would, as far as one can know."""
        problem = await self.link.problem()
        return [] if problem is None else [problem]


@asynccontextmanager
async def running(settings: InboundSettings, give_up: GiveUp) -> AsyncIterator[Runtime]:
    """Run until the `with` block ends.

    Args:
        settings: of the service.
        give_up: called once with the error if the topics do not match.
    """
    link = KafkaLink(settings, give_up)
    await link.start()
    gc.collect()
    gc.freeze()  # what the imports left is never garbage, and a collection looks through it otherwise
    publisher = Publisher(link)
    heartbeat = Heartbeat(publisher, settings.reception_gap_seconds)
    try:
        async with (
            in_background(heartbeat.run(), "heartbeat", give_up),
            in_background(watch_partitions(settings), "partitions", give_up),
        ):
            yield Runtime(link, publisher)
    finally:
        await link.stop()
