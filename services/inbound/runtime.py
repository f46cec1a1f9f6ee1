"""The running inbound service: its connection to Kafka, open until the process ends."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.inbound.kafka_link import KafkaLink


@dataclass(frozen=True, slots=True)
class Runtime:
    """The running parts of the service."""

    link: KafkaLink

    async def problems(self) -> list[str]:
        """Return why a webhook that came now would not be acknowledged; empty: it would, as far as one can know."""
        problem = await self.link.problem()
        return [] if problem is None else [problem]


@asynccontextmanager
async def running(link: KafkaLink) -> AsyncIterator[Runtime]:
    """Run until the `with` block ends.

    Args:
        link: not started yet; the webhooks publish through it.
    """
    await link.start()
    gc.collect()
    gc.freeze()  # what the imports left is never garbage, and a collection looks through it otherwise
    try:
        yield Runtime(link)
    finally:
        await link.stop()
