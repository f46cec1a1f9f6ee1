"""Kafka clients with the settings that the guarantees need, and deadlines for calls that can hang.

Every client of the system is made here, so that all of them are secured as the settings say.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, NodeNotReadyError

from shared.consumer import Consumer, Polled
from shared.errors import TransientError
from shared.kafka_connection import Kafka, connection
from shared.kafka_refusals import explain

log = logging.getLogger(__name__)

T = TypeVar("T")

START_SECONDS = 15.0
STOP_SECONDS = 5.0
SEND_SECONDS = 10.0
REQUEST_TIMEOUT_MS = 5_000
"""After so long without an answer a connection is given up: its node may be cut off, or its machine gone.

The client's own 40 seconds are longer than every deadline here, so whoever met that node once met it again and again,
although the other nodes had taken over (`tests/cluster`).
"""
_CLIENT = {"request_timeout_ms": REQUEST_TIMEOUT_MS}
_REJOIN_SLACK_MS = 5_000
MAX_REQUEST_BYTES = 4 * 1024 * 1024
FETCH_WAIT_MS = 1_000
"""How long a fetch waits for a record that does not come; it returns with the first one (`shared/consumer.py`)."""
_HEARTBEATS_PER_SESSION = 3
TRANSACTION_RETRY_BACKOFF_MS = 5
"""Kafka 4 refuses the first produce of a transaction close after another once (KIP-890); aiokafka waits this long."""


def producer_options() -> dict[str, Any]:
    """Return what every producer is made with: nothing is acknowledged before all in-sync replicas have it."""
    return {"acks": "all", "enable_idempotence": True, "max_request_size": MAX_REQUEST_BYTES, **_CLIENT}


def new_producer(kafka: Kafka, **options: Any) -> AIOKafkaProducer:
    """Return an idempotent producer, not yet started."""
    producer = AIOKafkaProducer(**connection(kafka).options(), **{**producer_options(), **options})
    _wait_for_nodes(producer.client)
    return producer


def new_transactional_producer(kafka: Kafka, transactional_id: str, **options: Any) -> AIOKafkaProducer:
    """Return a producer whose start fences every earlier one with the same `transactional_id`."""
    return new_producer(
        kafka, transactional_id=transactional_id, retry_backoff_ms=TRANSACTION_RETRY_BACKOFF_MS, **options
    )


def consumer_options() -> dict[str, Any]:
    """Return what every consumer is made with: it never sees what was aborted, or is not committed yet."""
    return {"isolation_level": "read_committed", "enable_auto_commit": False, "fetch_max_wait_ms": FETCH_WAIT_MS}


def new_consumer(kafka: Kafka, *topics: str, **options: Any) -> Consumer:
    """Return a consumer that commits nothing by itself and stops, rather than skips, at a missing offset.

    With `topics` and no group it is assigned all their partitions when it has started.
    """
    patience = request_timeout_ms(options.get("session_timeout_ms"))
    defaults = {"auto_offset_reset": "none", "request_timeout_ms": patience, **consumer_options()}
    consumer = Consumer(*topics, **connection(kafka).options(), **{**defaults, **options})
    _wait_for_nodes(consumer._client)  # noqa: SLF001 (see there)
    return consumer


def _wait_for_nodes(client: AIOKafkaClient) -> None:
    """Have the client wait where Kafka names no node, as it does for a node that does not answer.

    After a freeze of all nodes, Kafka has taken them out and answers for a moment that there are none. aiokafka looks
    up a coordinator at one of them all the same, and an assertion fails: that looks like a bug, and ends a process.
    """
    look_up = client.coordinator_lookup

    async def look_up_at_a_node(*what: Any) -> Any:
        if client.get_random_node() is None:
            raise NodeNotReadyError("Kafka names none of its nodes")
        return await look_up(*what)

    client.coordinator_lookup = look_up_at_a_node


def request_timeout_ms(session_timeout_ms: int | None) -> int:
    """Return how long a consumer waits for an answer; `session_timeout_ms`: None for one without a group.

    Kafka answers who joins a group when all its members have joined, or after the session of those who do not.
    """
    return REQUEST_TIMEOUT_MS if session_timeout_ms is None else session_timeout_ms + _REJOIN_SLACK_MS


def group_options(group_id: str, session_seconds: float) -> dict[str, Any]:
    """Return the options of a member of a group; a new group starts at the beginning of the topic."""
    session_ms = int(session_seconds * 1000)
    return {
        "group_id": group_id,
        "auto_offset_reset": "earliest",
        "session_timeout_ms": session_ms,
        "heartbeat_interval_ms": session_ms // _HEARTBEATS_PER_SESSION,
    }


@asynccontextmanager
async def assigned_consumer(
    kafka: Kafka, partitions: Collection[TopicPartition], **options: Any
) -> AsyncIterator[Consumer]:
    """Lend a consumer of just these partitions, without a group; it reads nothing before it is given a position.

    Raises:
        TransientError: Kafka is unavailable.
    """
    consumer = new_consumer(kafka, **options)
    try:
        await within(START_SECONDS, consumer.start(), "connecting to Kafka")
        consumer.assign(partitions)
        yield consumer
    finally:
        await stop_quietly(consumer)


async def try_commit(consumer: Consumer, records: Sequence[Polled]) -> None:
    """Commit just these records, of one topic and in order, where their partitions are still ours; never raises.

    A failed commit is harmless where a record may come twice: it does, here or elsewhere.
    """
    ends = {record.partition: record.offset + 1 for record in records}
    mine = {tp: ends[tp.partition] for tp in consumer.assignment() if tp.partition in ends}
    if not mine:
        return
    try:
        await within(SEND_SECONDS, consumer.commit(mine), "committing offsets")
    except (TransientError, KafkaError) as error:
        log.warning("offsets are not committed, their records will come again: %s", error)


def new_admin(kafka: Kafka, **options: Any) -> AIOKafkaAdminClient:
    """Return an admin client, not yet started."""
    return AIOKafkaAdminClient(**connection(kafka).options(), **{**_CLIENT, **options})


def new_client(kafka: Kafka, **options: Any) -> AIOKafkaClient:
    """Return a client for requests made by hand, not yet connected."""
    return AIOKafkaClient(**connection(kafka).options(), **{**_CLIENT, **options})


async def within(seconds: float, call: Awaitable[T], what: str) -> T:
    """Await `call` for at most so long.

    Raises:
        TransientError: it took longer, or Kafka refused it.
    """
    try:
        async with asyncio.timeout(seconds):
            return await call
    except (TimeoutError, KafkaError, OSError, ssl.SSLError) as error:
        raise TransientError(f"{what}: {error or 'no answer'} (within {seconds} s)") from error


async def connect(starting: Awaitable[Any], kafka: Kafka) -> None:
    """Await the start of a client.

    Raises:
        MisconfiguredError: Kafka refuses our login or certificate, or shows one that we do not trust.
        TransientError: it does not answer in time; says what is known of the reason.
    """
    try:
        await within(START_SECONDS, starting, "connecting to Kafka")
    except TransientError as error:
        raise await explain(connection(kafka)) or error from error


async def stop_quietly(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """Stop a client whose Kafka may be unavailable: its `stop` can hang, so it gets a deadline and no second try."""
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await client.stop()
    except (TimeoutError, KafkaError, OSError):
        return
    except asyncio.CancelledError:
        # aiokafka lets the cancellation of its own tasks out; ours goes on.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
