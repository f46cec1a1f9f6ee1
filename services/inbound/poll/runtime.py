"""The running process: a producer, the connections to gateways' APIs, and the rounds of work."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from aiokafka.errors import KafkaError

from services.inbound.carrier_lists.running import readings, writing
from services.inbound.poll.catch_up import CatchUp, ListProgress, Window
from services.inbound.poll.client import ApiConnections, GatewayApi
from services.inbound.poll.credentials import MESSAGE_LISTS
from services.inbound.poll.limits import RETRY_SECONDS, START_SECONDS
from services.inbound.poll.progress import KafkaProgress
from services.inbound.poll.rounds import Rounds, Work
from services.inbound.poll.settings import PollSettings
from shared.background import GiveUp, in_background
from shared.errors import MisconfiguredError, TransientError
from shared.kafka_probe import KafkaProbe
from shared.partition_watch import watch_partitions
from shared.producer import Producer
from shared.topics import INBOUND_MESSAGES, INBOUND_STATUS, PARKED_MESSAGES, check_topics

TOPICS = (INBOUND_MESSAGES, PARKED_MESSAGES, INBOUND_STATUS)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Runtime:
    """The running parts of the process."""

    kafka: KafkaProbe

    async def problems(self) -> list[str]:
        """Return why nothing can be published now; a gateway that does not answer is in the metrics."""
        problem = await self.kafka.problem()
        return [] if problem is None else [problem]


@asynccontextmanager
async def running(settings: PollSettings, give_up: GiveUp) -> AsyncIterator[Runtime]:
    """Run until the `with` block ends.

    Raises:
        MisconfiguredError: the topics are not as they must be, or Kafka does not answer.
    """
    async with AsyncExitStack() as stack:
        kafka = await stack.enter_async_context(KafkaProbe(settings.kafka, TOPICS))
        producer = Producer(settings.kafka)
        stack.push_async_callback(producer.close)
        connections = ApiConnections()
        stack.push_async_callback(connections.close)
        progress = KafkaProgress(settings.kafka, producer)
        await _until_available(settings, progress)
        works = works_of(settings, producer, progress, connections)
        rounds = Rounds([*works, *readings(settings, producer, progress, connections)])
        stack.push_async_callback(rounds.stop)
        await stack.enter_async_context(in_background(watch_partitions(settings), "partitions", give_up))
        await stack.enter_async_context(writing(settings, producer, connections, give_up))
        rounds.start()
        if not settings.gateway_accounts:
            log.info("nothing to do: STOPLINE_GATEWAY_API_KEYS has no credentials")
        yield Runtime(kafka)


async def _until_available(settings: PollSettings, progress: KafkaProgress) -> None:
    """Return when the topics are checked and the progress is read.

    Raises:
        MisconfiguredError: the topics are not as they must be, or Kafka does not answer.
    """
    pairs = [(each.account_id, each.gateway) for each in settings.gateway_accounts if each.gateway in MESSAGE_LISTS]
    waiting_for = "nothing yet"
    try:
        async with asyncio.timeout(START_SECONDS):
            while True:
                try:
                    await check_topics(settings)
                    return await progress.start(pairs)
                except (TransientError, KafkaError) as error:
                    waiting_for = str(error)
                    log.warning("waiting for Kafka: %s", waiting_for)
                await asyncio.sleep(RETRY_SECONDS)
    except TimeoutError:
        text = f"Kafka (STOPLINE_KAFKA_BOOTSTRAP) did not answer within {START_SECONDS:.0f} s: {waiting_for}"
        raise MisconfiguredError(text) from None


def works_of(
    settings: PollSettings, producer: Producer, progress: ListProgress, connections: ApiConnections
) -> list[Work]:
    """Return all that is to be done, for each account and gateway that there is a credential for."""
    window = Window(timedelta(seconds=settings.poll_overlap_seconds), timedelta(seconds=settings.poll_first_seconds))
    works: list[Work] = []
    for account in settings.gateway_accounts:
        messages = MESSAGE_LISTS.get(account.gateway)
        if messages is not None:
            catch_up = CatchUp(
                GatewayApi(account, connections),
                messages(),
                producer,
                progress,
                partitions=settings.partitions,
                pools=settings.number_pools,
                window=window,
            )
            works.append(Work("catch_up", account, settings.poll_seconds, catch_up))
    return works
