"""The running process: a producer, and a link to each SMSC that an account is bound to."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from services.inbound.smpp import metrics
from services.inbound.smpp.receiver import Receiver
from services.inbound.smpp.settings import ReceiverSettings
from shared.background import GiveUp, in_background
from shared.kafka_probe import KafkaProbe
from shared.partition_watch import watch_partitions
from shared.producer import Producer
from shared.smpp.link import SmppLink
from shared.smpp.pdus import Command
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, PARKED_MESSAGES, check_topics

log = logging.getLogger(__name__)

TOPICS = (INBOUND_MESSAGES, DELIVERY_EVENTS, PARKED_MESSAGES)


@dataclass(frozen=True, slots=True)
class Runtime:
    """The running parts of the process."""

    kafka: KafkaProbe
    links: Sequence[SmppLink]

    async def problems(self) -> list[str]:
        """Return why nothing can be published, and which binds are not open: what comes by them waits at the SMSC."""
        problem = await self.kafka.problem()
        unbound = [f"{link.name}: {link.problem}" for link in self.links if link.problem is not None]
        return ([] if problem is None else [problem]) + unbound


@asynccontextmanager
async def running(settings: ReceiverSettings, give_up: GiveUp) -> AsyncIterator[Runtime]:
    """Run until the `with` block ends.

    Raises:
        MisconfiguredError: the topics are not as they must be, or Kafka does not answer.
    """
    async with AsyncExitStack() as stack:
        await check_topics(settings)
        kafka = await stack.enter_async_context(KafkaProbe(settings.kafka, TOPICS))
        producer = Producer(settings.kafka)
        stack.push_async_callback(producer.close)
        await stack.enter_async_context(in_background(watch_partitions(settings), "partitions", give_up))
        links = links_of(settings, producer)
        stack.push_async_callback(_stop, links)
        for link in links:
            link.start()
        if not links:
            log.info("nothing to do: STOPLINE_SMPP_RECEIVERS has no binds")
        yield Runtime(kafka, links)


def links_of(settings: ReceiverSettings, producer: Producer) -> list[SmppLink]:
    """Return a link for each bind, not started."""
    links = []
    for account_id, bind in settings.binds:
        name = f"{account_id}: {bind.system_id} at {bind.host}:{bind.port}"
        receiver = Receiver(
            account_id, name, bind, producer, settings.partitions, settings.number_pools, settings.smpp_publish_seconds
        )
        links.append(
            SmppLink(
                name, bind, Command.BIND_RECEIVER, metrics.LINKS, receiver.handle, on_end=receiver.connection_ended
            )
        )
    return links


async def _stop(links: Sequence[SmppLink]) -> None:
    await asyncio.gather(*(link.stop() for link in links))
