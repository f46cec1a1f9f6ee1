"""The running pages: a producer, and a database that they can do without for a while."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from services.optout.links.lookup import LinkTable, opened_links
from services.optout.links.publish import Clicks
from services.optout.links.settings import LinksSettings
from shared.background import GiveUp, in_background
from shared.kafka_probe import KafkaProbe
from shared.partition_watch import watch_partitions
from shared.postgres import until_available
from shared.topics import INBOUND_MESSAGES, check_topics


@dataclass(frozen=True, slots=True)
class Runtime:
    """The running parts of the process."""

    links: LinkTable
    clicks: Clicks
    kafka: KafkaProbe

    async def problems(self) -> list[str]:
        """Return why a click would not be confirmed now; without Postgres it is, on a page without a name."""
        problem = await self.kafka.problem()
        return [] if problem is None else [problem]


@asynccontextmanager
async def running(settings: LinksSettings, give_up: GiveUp) -> AsyncIterator[Runtime]:
    """Run until the `with` block ends.

    Raises:
        MisconfiguredError: the topics are not as they must be, Kafka does not answer, or Postgres refuses the login.
    """
    async with AsyncExitStack() as stack:
        await until_available(partial(check_topics, settings), settings.database.setting)
        kafka = await stack.enter_async_context(KafkaProbe(settings.kafka, (INBOUND_MESSAGES,)))
        await stack.enter_async_context(in_background(watch_partitions(settings), "partitions", give_up))
        clicks = Clicks(settings.kafka, settings.partitions)
        stack.push_async_callback(clicks.close)
        links = await stack.enter_async_context(opened_links(settings.database))
        yield Runtime(links, clicks, kafka)
