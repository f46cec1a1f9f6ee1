"""The simulated processes: the real pipeline and the real sender, made of the same parts as in their `runtime.py`."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from services.optout.pipeline.pipeline import Pipeline
from services.optout.settings import OptOutSettings
from services.sender import runtime
from services.sender.carriers.choose import Carriers
from services.sender.carriers.client import CarrierClient
from services.sender.carriers.generic import GenericAdapter
from services.sender.ledger.owner import Owner
from services.sender.outbound import OutboundConsumer, OutboundHandler
from services.sender.receipts import ReceiptHandler, _handled_of
from services.sender.report import SOURCE, Reporter
from services.sender.settings import SenderSettings
from services.sender.sweeper import sweep_forever
from shared.errors import TransientError
from shared.kafka import group_options, new_consumer, try_commit
from shared.producer import Producer
from shared.suppressions.fence import Fence
from shared.suppressions.markers import Markers
from shared.topics import DELIVERY_EVENTS
from simulation.connections import SimulatedPool
from simulation.database import Database

PARTITIONS = 2
SESSION_SECONDS = 1.5
CALL_SECONDS = 2.0
_OWNER_IDLE_SECONDS = 6.0
_ENVIRONMENT = {
    "STOPLINE_CARRIER_URL": "http://carrier.example",
    "STOPLINE_CARRIER_TOKEN": "only-simulated-token",
    "STOPLINE_REACH_POLICIES_FILE": str(Path(__file__).parents[1] / "data" / "policies" / "none.toml"),
}


@contextmanager
def _environment() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    os.environ.update(_ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@cache
def optout_settings() -> OptOutSettings:
    with _environment():
        settings = OptOutSettings(
            kafka_bootstrap="simulated:9092", partitions=PARTITIONS, http_port=1, checkpoint_seconds=1.0,
            optout_database_url="postgresql://simulated/optout", session_timeout_seconds=SESSION_SECONDS,
        )  # fmt: skip
        assert settings.shipped_policies is not None  # read now: the environment is not there later
        return settings


@cache
def sender_settings() -> SenderSettings:
    with _environment():
        return SenderSettings(
            kafka_bootstrap="simulated:9092", partitions=PARTITIONS, http_port=1, call_seconds=CALL_SECONDS,
            sender_database_url="postgresql://simulated/sender", session_timeout_seconds=SESSION_SECONDS,
            cache_dir=Path("/there/is/no/such/folder"), snapshot_seconds=86_400, sweep_margin_seconds=2.0,
        )  # fmt: skip


@cache
def _adapter() -> GenericAdapter:
    return GenericAdapter(carrier_url="http://carrier.example", carrier_token="only-simulated-token")  # noqa: S106


async def run_pipeline(database: Database) -> None:
    """Be the opt-out pipeline."""
    await Pipeline(optout_settings(), SimulatedPool(database)).run()  # type: ignore[arg-type]


async def run_sender(database: Database) -> None:
    """Be a sender, until something fails that must end the process."""
    settings, pool = sender_settings(), SimulatedPool(database)
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def give_up(error: BaseException) -> None:
        if not failed.done():
            failed.set_exception(error)

    owner = Owner(settings.database, _OWNER_IDLE_SECONDS)
    events = runtime._event_producer(settings)
    markers = Markers(Producer(settings.kafka), SOURCE)
    client = CarrierClient(_adapter(), settings.calls_in_flight, settings.call_seconds)
    carriers = Carriers({"generic": client}, "generic", {})
    cache_follower, reception = runtime._cache(settings, markers), runtime.reception_state(settings)
    reception.is_read = True  # heartbeats are not simulated
    reporter = Reporter(events, settings.partitions, settings.links)
    fence = Fence(markers, cache_follower, settings.fence_seconds)
    processor = runtime._processor(
        settings,
        pool,
        owner,
        reporter,
        fence,
        cache_follower,
        carriers,
        reception,  # type: ignore[arg-type]
    )
    consumer = OutboundConsumer(settings, OutboundHandler(processor), give_up)
    sweep = sweep_forever(pool, reporter, owner.number, timedelta(seconds=settings.sweep_after_seconds))  # type: ignore[arg-type]
    works = [cache_follower.run(), sweep, owner.keep(), _read_receipts(settings, ReceiptHandler(pool, reporter))]  # type: ignore[arg-type]
    tasks = [asyncio.get_running_loop().create_task(each, name="beside") for each in works]
    for task in tasks:
        task.add_done_callback(lambda done: give_up(done.exception() or AssertionError("it must not end")))
    await consumer.start()
    await failed


async def _read_receipts(settings: SenderSettings, handler: ReceiptHandler) -> None:
    """Do for receipts what the subscription of FastStream does: hand over batches, again where one fails."""
    consumer = new_consumer(settings.kafka, DELIVERY_EVENTS, **group_options("receipts", SESSION_SECONDS))
    await consumer.start()
    while True:
        polled = await consumer.getmany(timeout_ms=1_000, max_records=500)
        for records in polled.values():
            await _handled(handler, records)
            await try_commit(consumer, records)


async def _handled(handler: ReceiptHandler, records: Any) -> None:
    events = _handled_of(records)
    while events:
        try:
            await handler.handle(events)
        except TransientError:
            await asyncio.sleep(0.5)
        else:
            return
