"""The running sender: the cache, the two subscribers, the sweeper and the watchdog, started and ended in order."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

from aiokafka.errors import KafkaError

from services.sender import metrics
from services.sender.batch import BatchProcessor
from services.sender.calls import MessageCalls
from services.sender.carriers.choose import Carriers, open_carriers
from services.sender.dispatch import Dispatcher
from services.sender.drop import Dropper
from services.sender.hours import RecipientsHours
from services.sender.ledger.erasures import erase_forever
from services.sender.ledger.owner import Owner
from services.sender.limits.forget import forget_forever
from services.sender.limits.limiter import Limiter
from services.sender.outbound import OutboundConsumer, OutboundHandler
from services.sender.prepare import prepared
from services.sender.readiness import TOPICS, Runtime
from services.sender.receipts import ReceiptHandler, receipt_subscription
from services.sender.reception import ReceptionRule, ReceptionWatch, reception_state
from services.sender.recreated import watch_topics
from services.sender.report import SOURCE, Reporter
from services.sender.sending import LimitedSending
from services.sender.settings import SenderSettings
from services.sender.sweeper import sweep_forever
from services.sender.traces import MESSAGE_TRACES
from services.sender.waiting.clock import DepartureClock
from services.sender.waiting.room import WaitingRoom
from services.sender.waiting.waker import Waker
from services.sender.watchdog import Watchdog, Watched
from shared.background import GiveUp, in_background
from shared.errors import TransientError
from shared.kafka import START_SECONDS, STOP_SECONDS, within
from shared.kafka_probe import KafkaProbe
from shared.postgres import Pool
from shared.postgres_probe import PostgresProbe
from shared.producer import Producer
from shared.reception.follow import ReceptionFollower
from shared.reception.state import ReceptionState
from shared.subscription import Subscription
from shared.suppressions.ask import Asking
from shared.suppressions.fence import Fence
from shared.suppressions.follow import CacheFollower
from shared.suppressions.markers import Markers
from shared.topics import DELIVERY_EVENTS, OUTBOUND_MESSAGES

log = logging.getLogger(__name__)

_MAX_BATCH_BYTES = 256 * 1024


@asynccontextmanager
async def running(settings: SenderSettings, give_up: GiveUp) -> AsyncIterator[Runtime]:
    """Run until the `with` block ends; what was started last ends first, all within deadlines.

    Args:
        settings: of the service.
        give_up: called with whatever must end the process.

    Raises:
        MisconfiguredError: the process must not run like this.
    """
    async with AsyncExitStack() as stack:
        settings, pool = await stack.enter_async_context(prepared(settings))
        owner = Owner(settings.database)
        stack.callback(owner.release)
        # Markers have a producer of their own: a node gets one request at a time, and events come in bulk.
        for_markers, events = Producer(settings.kafka), _event_producer(settings)
        markers, carriers = Markers(for_markers, SOURCE), open_carriers(settings)
        for opened in (for_markers, events, carriers):
            stack.push_async_callback(opened.close)
        cache, reception = _cache(settings, markers), reception_state(settings)
        reporter = Reporter(events, settings.partitions, settings.links)
        fence = Fence(markers, cache, settings.fence_seconds)
        MESSAGE_TRACES.share = settings.traces_share
        metrics.FENCE_WAITING.set_function(fence.waits_seconds)
        processor = _processor(settings, pool, owner, reporter, fence, cache, carriers, reception)
        waker = Waker(pool, owner, processor.of_woken(), give_up, settings.stop_seconds)
        outbound = OutboundHandler(processor)
        receipts = receipt_subscription(settings, ReceiptHandler(pool, reporter, settings.number_pools), give_up)
        consumer = OutboundConsumer(settings, outbound, give_up)
        beside = {**_beside(settings, pool, reporter, owner), **_following(settings, cache, reception)}
        for name, work in beside.items():
            await stack.enter_async_context(in_background(work, name, give_up, stop_seconds=STOP_SECONDS))
        stack.push_async_callback(_stop, receipts, consumer, waker, processor.dispatcher, settings.stop_seconds)
        await asyncio.gather(within(START_SECONDS, receipts.start(), "subscribing to receipts"), consumer.start())
        waker.start()
        kafka = await stack.enter_async_context(KafkaProbe(settings.kafka, TOPICS))
        watchdog = _watchdog(consumer, outbound, receipts, kafka)
        await stack.enter_async_context(in_background(watchdog.watch(), "watchdog", give_up, stop_seconds=STOP_SECONDS))
        postgres = await stack.enter_async_context(PostgresProbe(settings.database.url))
        yield Runtime(cache, outbound, receipts, watchdog, fence, kafka, postgres, settings.silence_seconds)


def _processor(  # noqa: PLR0913, PLR0917 (what it works with)
    settings: SenderSettings,
    pool: Pool,
    owner: Owner,
    reporter: Reporter,
    fence: Fence,
    cache: CacheFollower,
    carriers: Carriers,
    reception: ReceptionState,
) -> BatchProcessor:
    dropper, room = Dropper(pool, owner, reporter), WaitingRoom(pool, owner, reporter)
    throttled_for = timedelta(seconds=settings.throttled_seconds)
    calls = MessageCalls(carriers, settings.calls_in_flight, settings.links)
    dispatcher = Dispatcher(pool, owner, reporter, calls, throttled_for)
    limiter = Limiter(pool, settings.limit_book, carriers.company_of, settings.links)
    sending = LimitedSending(limiter, dispatcher, dropper, room)
    clock = DepartureClock()
    hours = RecipientsHours(clock.latest)
    rules = (hours, ReceptionRule(reception))
    return BatchProcessor(
        pool, fence, cache, reporter, dropper, dispatcher, room, sending, clock, rules=rules, early=(hours,)
    )


def _watchdog(
    consumer: OutboundConsumer, outbound: OutboundHandler, receipts: Subscription, kafka: KafkaProbe
) -> Watchdog:
    watched = [
        Watched(consumer.consumer, OUTBOUND_MESSAGES, lambda: outbound.busy),
        Watched(receipts.reader.consumer, DELIVERY_EVENTS, lambda: receipts.busy),
    ]
    return Watchdog(watched, kafka.problem)


def _cache(settings: SenderSettings, markers: Markers) -> CacheFollower:
    return CacheFollower(
        settings.kafka,
        settings.partitions,
        settings.cache_dir,
        settings.snapshot_seconds,
        metrics.CACHE,
        asking=Asking(markers, time.monotonic()),
    )


def _beside(
    settings: SenderSettings, pool: Pool, reporter: Reporter, owner: Owner
) -> dict[str, Coroutine[Any, Any, None]]:
    """Return the work that goes on beside the messages, by its name."""
    sweep = sweep_forever(pool, reporter, owner.number, timedelta(seconds=settings.sweep_after_seconds))
    return {
        "sweeper": sweep,
        "owner": owner.keep(),
        "erasures": erase_forever(pool, reporter),
        "limits": forget_forever(pool),
        "topics": watch_topics(settings.kafka),
    }


def _following(
    settings: SenderSettings, cache: CacheFollower, reception: ReceptionState
) -> dict[str, Coroutine[Any, Any, None]]:
    """Return the work that follows what decisions need, by its name."""
    follower = ReceptionFollower(settings.kafka, reception)
    return {"cache": cache.run(), "reception": follower.run(), "reception-watch": ReceptionWatch(reception).run()}


def _event_producer(settings: SenderSettings) -> Producer:
    return Producer(settings.kafka, max_batch_size=_MAX_BATCH_BYTES)


async def _stop(
    receipts: Subscription, consumer: OutboundConsumer, waker: Waker, dispatcher: Dispatcher, stop_seconds: float
) -> None:
    """Let the calls under way end, leave the groups, and settle what could not be settled."""
    dispatcher.calls.stopping = True
    with suppress(TimeoutError, KafkaError, OSError):
        async with asyncio.timeout(stop_seconds + STOP_SECONDS):
            await asyncio.gather(receipts.broker.stop(), consumer.stop(), waker.stop())
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await dispatcher.settle_leftovers()
    except (TimeoutError, TransientError) as error:
        log.warning("some calls end with an unknown outcome: %s", error)
