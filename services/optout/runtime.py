"""The running pipeline: Postgres and Kafka are prepared, then partitions are decided until the process ends."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from services.optout.pipeline.pipeline import Pipeline
from services.optout.prepare import prepared
from services.optout.settings import OptOutSettings
from shared.background import GiveUp, in_background
from shared.kafka_probe import KafkaProbe
from shared.postgres_probe import PostgresProbe
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, OPT_OUT_EVENTS, PARKED_MESSAGES, SUPPRESSIONS

_TOPICS = (INBOUND_MESSAGES, SUPPRESSIONS, OPT_OUT_EVENTS, DELIVERY_EVENTS, PARKED_MESSAGES)
"""What the pipeline reads and writes: without one of them nothing is decided."""

_NEW_OBJECTS = 10_000
"""Before garbage is looked for: a batch has many more than Python's 700, and hardly any of them is ever garbage."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """The running parts of the pipeline's process."""

    pipeline: Pipeline
    kafka: KafkaProbe
    postgres: PostgresProbe

    async def problems(self) -> list[str]:
        """Return why some partition of this process is not being decided; empty: all are."""
        servers = await asyncio.gather(self.kafka.problem(), self.postgres.problem())
        return [problem for problem in (*servers, self.pipeline.trouble()) if problem]


@asynccontextmanager
async def running(settings: OptOutSettings, give_up: GiveUp) -> AsyncIterator[Runtime]:
    """Run until the `with` block ends.

    Args:
        settings: of the pipeline.
        give_up: called with a bug that must end the process; all offsets are kept.

    Raises:
        MisconfiguredError: the process must not run like this.
    """
    async with AsyncExitStack() as stack:
        kafka = await stack.enter_async_context(KafkaProbe(settings.kafka, _TOPICS))
        postgres = await stack.enter_async_context(PostgresProbe(settings.database.url))
        pool = await stack.enter_async_context(prepared(settings, settings.pipeline_connections))
        pipeline = Pipeline(settings, pool)
        gc.collect()
        gc.freeze()  # what the imports left is never garbage, and a collection looks through it otherwise
        gc.set_threshold(_NEW_OBJECTS)
        await stack.enter_async_context(in_background(pipeline.run(), "pipeline", give_up))
        yield Runtime(pipeline, kafka, postgres)
