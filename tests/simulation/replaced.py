"""Puts the simulated clock, chance, Kafka and connections in the place of the real ones, while a seed runs.

The services are not changed for it: all Kafka clients are made in `shared/kafka.py`, all connections by asyncpg, and
times are read from the standard library. What is replaced is restored at the end.
"""

import gc
import os
import random as random_module
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from random import Random
from types import SimpleNamespace
from typing import Any

import aiohttp
import asyncpg

import services.optout.pipeline.context
import services.sender.carriers.client
import services.sender.dispatch
import services.sender.park
import services.sender.reception
import services.sender.report
import services.sender.waiting.clock
import shared.failpoints
import shared.kafka
import shared.producer
import shared.suppressions.fence
from services.optout.pipeline.condition import Condition
from services.optout.pipeline.session import WorkerSession
from shared.parking import Parking
from simulation.connections import SimulatedConnection
from simulation.database import Database
from simulation.kafka_consumer import SimulatedConsumer
from simulation.kafka_groups import Coordinator
from simulation.kafka_log import Broker
from simulation.kafka_producer import AdminClient, BareClient, SimulatedProducer
from simulation.network import Network
from simulation.virtual_loop import process_now

_READ_THE_TIME = (
    services.optout.pipeline.context,
    services.sender.dispatch,
    services.sender.park,
    services.sender.reception,
    services.sender.report,
    services.sender.waiting.clock,
    shared.suppressions.fence,
)
_BY_THE_CLOCK = (WorkerSession.__init__, Parking.__init__, Condition.__init__)
"""Functions that have the real clock as the default of an argument."""


class FailpointWatch(dict[str, Any]):
    """In the place of the failpoints that are armed: says when one is reached, and that it is not armed."""

    def __init__(self, reached: Callable[[str], None]) -> None:
        super().__init__()
        self._reached = reached

    def __contains__(self, name: object) -> bool:
        self._reached(str(name))
        return False


class _Replaced:
    """Attributes that were set, and what they were before."""

    def __init__(self) -> None:
        self._before: list[tuple[Any, str, Any]] = []

    def put(self, owner: Any, name: str, value: Any) -> None:
        self._before.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def restore(self) -> None:
        while self._before:
            owner, name, value = self._before.pop()
            setattr(owner, name, value)


def _clock(network: Network) -> tuple[Callable[..., float], type[datetime]]:
    class SimulatedDatetime(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return network.wall(process_now.get().clock_is_off_by)

    return lambda *_: network.loop._now + 1_000.0, SimulatedDatetime


def _with_clock(function: Any, real: Any, simulated: Any) -> tuple[Any, Any]:
    positional = tuple(simulated if each is real else each for each in function.__defaults__ or ())
    by_name = {name: simulated if each is real else each for name, each in (function.__kwdefaults__ or {}).items()}
    return positional or None, by_name or None


@contextmanager
def replaced_by(
    network: Network,
    random: Random,
    broker: Broker,
    coordinator: Coordinator,
    databases: Mapping[str, Database],
    session_of_calls: Callable[[], Any],
    reached: Callable[[str], None],
) -> Iterator[None]:
    """Replace them until the `with` block ends."""
    replaced = _Replaced()
    monotonic, simulated_datetime = _clock(network)
    real_monotonic = time.monotonic
    replaced.put(time, "monotonic", monotonic)
    replaced.put(time, "clock_gettime", monotonic)
    replaced.put(time, "time", lambda: network.wall().timestamp())
    for module in _READ_THE_TIME:
        replaced.put(module, "datetime", simulated_datetime)
    for function in _BY_THE_CLOCK:
        positional, by_name = _with_clock(function, real_monotonic, monotonic)
        replaced.put(function, "__defaults__", positional)
        replaced.put(function, "__kwdefaults__", by_name)
    replaced.put(os, "urandom", random.randbytes)
    replaced.put(random_module, "_urandom", random.randbytes)
    _replace_kafka(replaced, broker, coordinator)

    async def connect(url: str, **_: Any) -> SimulatedConnection:
        return SimulatedConnection(databases[url.rpartition("/")[2]])

    replaced.put(asyncpg, "connect", connect)
    replaced.put(services.sender.carriers.client, "aiohttp", _aiohttp(session_of_calls))
    replaced.put(shared.failpoints, "_armed", FailpointWatch(reached))
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        replaced.restore()
        if was_collecting:
            gc.enable()


def _replace_kafka(replaced: _Replaced, broker: Broker, coordinator: Coordinator) -> None:
    replaced.put(shared.kafka, "AIOKafkaProducer", lambda **options: SimulatedProducer(broker, options))
    replaced.put(shared.producer, "AIOKafkaProducer", SimulatedProducer)
    replaced.put(
        shared.kafka, "Consumer", lambda *topics, **options: SimulatedConsumer(broker, coordinator, topics, options)
    )
    replaced.put(shared.kafka, "AIOKafkaAdminClient", lambda **_: AdminClient(broker))
    replaced.put(shared.kafka, "AIOKafkaClient", lambda **_: BareClient(broker))


def _aiohttp(session_of_calls: Callable[[], Any]) -> SimpleNamespace:
    kept = {name: getattr(aiohttp, name) for name in ("ClientError", "ClientTimeout")}
    return SimpleNamespace(
        **kept,
        ClientSession=lambda **_: session_of_calls(),
        TCPConnector=lambda **_: None,
        DummyCookieJar=lambda: None,
    )
