"""The sender: health and metrics over HTTP; beside them the cache, the two subscribers, the sweeper, the watchdog."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError
from fastapi import FastAPI, Response
from faststream.kafka import KafkaBroker
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.sender import metrics
from services.sender.batch import BatchProcessor
from services.sender.carriers.generic import GenericCarrier
from services.sender.dispatch import Dispatcher
from services.sender.fence import Fence
from services.sender.ledger.connection import AWAY, Pool, open_pool
from services.sender.outbound import OutboundHandler, TooManyParkedError
from services.sender.receipts import ReceiptHandler
from services.sender.report import Reporter
from services.sender.settings import Settings
from services.sender.subscribe import HandleBatch, new_broker, subscribe
from services.sender.suppressions.follow import CacheFollower
from services.sender.sweeper import sweep_for_ever
from services.sender.watchdog import watch
from shared.errors import MisconfiguredError, TransientError
from shared.kafka import START_SECONDS, STOP_SECONDS, new_producer, stop_quietly, within
from shared.migrations import migrate
from shared.topics import check_topics

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
_START_SECONDS = 60.0
_RETRY_SECONDS = 0.5
_MAX_BATCH_BYTES = 256 * 1024


def create_app(settings: Settings) -> FastAPI:
    """Build the application; its lifespan connects, checks the topics and runs the sender."""
    app = FastAPI(title="Stopline sender", lifespan=_lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.settings = settings
    app.state.is_ready = lambda: False
    app.add_api_route("/health/live", _live)
    app.add_api_route("/health/ready", lambda: _ready(app))
    app.add_api_route("/metrics", _metrics)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    try:
        pool = await _prepare(app.state.settings)
    except MisconfiguredError as error:
        app.state.misconfigured = str(error)
        app.state.stop()
        yield
        return
    async with AsyncExitStack() as stack:
        stack.callback(pool.terminate)
        await _run(app, stack, app.state.settings, pool)
        yield


async def _run(app: FastAPI, stack: AsyncExitStack, settings: Settings, pool: Pool) -> None:
    """Start everything; `stack` ends it in the opposite order."""
    producer = new_producer(settings.kafka_bootstrap, max_batch_size=_MAX_BATCH_BYTES)
    await within(START_SECONDS, producer.start(), "connecting to Kafka")
    stack.push_async_callback(stop_quietly, producer)
    cache = CacheFollower(settings.kafka_bootstrap, settings.partitions, settings.cache_dir, settings.snapshot_seconds)
    carrier = GenericCarrier(
        settings.carrier_url,
        settings.carrier_token.get_secret_value(),
        settings.calls_in_flight,
        settings.call_seconds,
    )
    stack.push_async_callback(carrier.close)
    reporter = Reporter(producer, settings.partitions)
    dispatcher = Dispatcher(pool, reporter, carrier, settings.calls_in_flight)
    fence = Fence(producer, cache, settings.fence_seconds)
    outbound = OutboundHandler(pool, BatchProcessor(pool, fence, cache, reporter, dispatcher), reporter)
    guarded = _stopping_at_a_bug(app, outbound)
    broker = new_broker(settings)
    subscribers = subscribe(broker, settings, guarded, ReceiptHandler(pool, reporter).handle)
    _in_background(app, stack, cache.run(), "cache")
    _in_background(app, stack, sweep_for_ever(pool, reporter, timedelta(seconds=settings.sweep_after_seconds)), "sweep")
    await within(START_SECONDS, broker.start(), "subscribing")
    stack.push_async_callback(_stop_broker, broker)
    _in_background(app, stack, watch(subscribers, lambda: outbound.busy), "watchdog")
    app.state.is_ready = lambda: cache.healthy and not outbound.waiting and not getattr(app.state, "halted", False)


def _stopping_at_a_bug(app: FastAPI, outbound: OutboundHandler) -> HandleBatch:
    """Return the handler, which never lets FastStream go on behind a batch that was not handled."""

    async def handle(records: Sequence[ConsumerRecord]) -> None:
        try:
            await outbound.handle(records)
        except TooManyParkedError as error:
            log.critical("halted, nothing is sent: %s", error)
            metrics.HALTED.set(1)
            app.state.halted = True
        except Exception as error:  # noqa: BLE001 (whatever it is: the offset is kept, whoever supervises us is told)
            _fail(app, error)
        else:
            return
        await asyncio.Event().wait()

    return handle


def _fail(app: FastAPI, error: BaseException) -> None:
    log.critical("the sender stops: %r", error, exc_info=error)
    app.state.failed = repr(error)
    app.state.stop()


def _in_background(app: FastAPI, stack: AsyncExitStack, work: Coroutine[Any, Any, None], name: str) -> None:
    """Run `work` until the stack unwinds; if it ends by itself, so does the process."""
    task = asyncio.create_task(work, name=name)

    def note(done: "asyncio.Task[None]") -> None:
        error = None if done.cancelled() else done.exception()
        if error is not None:
            _fail(app, error)

    async def end() -> None:
        task.cancel()
        await asyncio.wait([task], timeout=STOP_SECONDS)

    task.add_done_callback(note)
    stack.push_async_callback(end)


async def _stop_broker(broker: KafkaBroker) -> None:
    with suppress(TimeoutError, KafkaError, OSError):
        async with asyncio.timeout(STOP_SECONDS):
            await broker.stop()


async def _prepare(settings: Settings) -> Pool:
    """Wait for Postgres and Kafka, run the migrations, check the topics."""
    settings.cache_dir.mkdir(parents=True, exist_ok=True)
    try:
        async with asyncio.timeout(_START_SECONDS):
            while True:
                try:
                    return await _prepare_once(settings)
                except (TransientError, KafkaError, *AWAY) as error:
                    log.warning("waiting for Postgres and Kafka: %s", error)
                    await asyncio.sleep(_RETRY_SECONDS)
    except TimeoutError:
        raise MisconfiguredError(
            "Postgres (STOPLINE_SENDER_DATABASE_URL) or Kafka (STOPLINE_KAFKA_BOOTSTRAP) did not answer"
            f" within {_START_SECONDS:.0f} s"
        ) from None


async def _prepare_once(settings: Settings) -> Pool:
    await check_topics(settings)
    pool = await open_pool(settings.sender_database_url.get_secret_value(), settings.database_connections)
    async with pool.acquire() as connection:
        for name in await migrate(connection, MIGRATIONS):
            log.info("migrated: %s", name)
    return pool


async def _live() -> dict[str, str]:
    return {"status": "live"}


def _ready(app: FastAPI) -> Response:
    ready = app.state.is_ready()
    return Response("ready" if ready else "not ready", 200 if ready else 503, None, "text/plain")


def _metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
