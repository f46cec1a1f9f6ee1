"""The process's connection to Kafka: opened in the background and reopened when it becomes unusable."""

import asyncio
import logging
import time
from enum import Enum, auto

from aiokafka import AIOKafkaProducer

from services.inbound import metrics
from services.inbound.limits import (
    CONNECT_SECONDS,
    PROBE_SECONDS,
    RECONNECT_PAUSE_SECONDS,
    RENEW_AFTER_SECONDS,
)
from services.inbound.settings import InboundSettings
from shared.background import GiveUp
from shared.errors import MisconfiguredError, TransientError
from shared.kafka import within
from shared.kafka_probe import problem_in
from shared.producer import ProducerConnection
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, INBOUND_STATUS, PARKED_MESSAGES, check_topics

log = logging.getLogger(__name__)

TOPICS = (INBOUND_MESSAGES, DELIVERY_EVENTS, PARKED_MESSAGES, INBOUND_STATUS)


class LinkState(Enum):
    """The state of a connection; in the first and the last one a new producer is wanted."""

    CONNECTING = auto()
    """There is no producer: the process has just started, or Kafka refused a record."""
    CONNECTED = auto()
    SILENT = auto()
    """A record was not acknowledged in time, and none has been since."""
    SPENT = auto()
    """Silent for too long; an acknowledgement before there is a new producer still saves the old one."""


_UNACKNOWLEDGED = (LinkState.SILENT, LinkState.SPENT)
_TO_BE_RENEWED = (LinkState.CONNECTING, LinkState.SPENT)


class KafkaLink:
    """The owner of `producer`, which is None while there is no connection.

    The producer retries a record until Kafka has it, so most outages need no action here. Two do: a permanent refusal
    (the partition's sequence is broken afterwards), and brokers that return at other addresses.

    A webhook cannot wait for a connection, as the callers of `shared.producer.Producer` can: it is made in the
    background, a producer that is late keeps what it holds and may recover, and readiness is probed by the state.

    Args:
        settings: where Kafka is and what its topics must look like.
        give_up: called once with the error if the topics do not match; the service must stop.
    """

    def __init__(self, settings: InboundSettings, give_up: GiveUp) -> None:
        self._settings = settings
        self._give_up = give_up
        self._attempted = asyncio.Event()
        self._renewal_wanted = asyncio.Event()
        self._silent_since = 0.0
        self._enter(LinkState.CONNECTING)
        self._task: asyncio.Task[None] | None = None
        self._connection = ProducerConnection(settings.kafka, _end, client_id="stopline-inbound")
        metrics.CONNECTED.set_function(lambda: self.producer is not None)

    @property
    def producer(self) -> AIOKafkaProducer | None:
        return self._connection.current

    async def start(self) -> None:
        """Start connecting; return after the first attempt, successful or not."""
        self._task = asyncio.create_task(self._keep_connected())
        await self._attempted.wait()

    async def stop(self) -> None:
        """Close the connection; records that nobody waits for any more are dropped after a limit."""
        if self._task is not None:
            self._task.cancel()
        await self._connection.close(CONNECT_SECONDS)

    def acknowledged(self) -> None:
        """Note that Kafka has a record."""
        if self._state in _UNACKNOWLEDGED:
            log.info("Kafka acknowledges again")
            self._enter(LinkState.CONNECTED)

    def missed(self) -> None:
        """Note that a record was not acknowledged in time."""
        now = time.monotonic()
        if self._state is LinkState.CONNECTED:
            log.warning("Kafka does not acknowledge; webhooks are answered 503 until it does")
            self._silent_since = now
            self._enter(LinkState.SILENT)
            self._connection.run_aside(self._notice_return())
        elif self._state is LinkState.SILENT and now - self._silent_since > RENEW_AFTER_SECONDS:
            self._enter(LinkState.SPENT)

    async def _notice_return(self) -> None:
        """Wait until Kafka has what it missed, so that the end of an outage is noticed without another webhook."""
        if self.producer is not None:
            await self.producer.flush()
            self.acknowledged()

    def refused(self, error: Exception) -> None:
        """Note that Kafka refused a record permanently."""
        log.error("Kafka refused a record; the connection is reopened: %r", error)
        self._connection.replace_with(None)
        self._enter(LinkState.CONNECTING)

    async def problem(self) -> str | None:
        """Say why a webhook that came now would not be acknowledged; None: it would, as far as one can know."""
        if self.producer is None:
            return "not connected to Kafka"
        if self._state in _UNACKNOWLEDGED:
            return "Kafka does not acknowledge"
        try:
            probed = within(PROBE_SECONDS, self.producer.client.fetch_all_metadata(), "asking Kafka for its topics")
            return problem_in(await probed, TOPICS)
        except TransientError:
            return "Kafka does not answer"

    async def _keep_connected(self) -> None:
        while True:
            await self._renewal_wanted.wait()
            try:
                await self._renew()
            except MisconfiguredError as error:
                self._give_up(error)
                return
            except TransientError as error:
                log.warning("Kafka is unavailable, trying again: %s", error)
            except Exception:
                log.exception("connecting to Kafka failed in an unexpected way, trying again")
            finally:
                self._attempted.set()
            await asyncio.sleep(RECONNECT_PAUSE_SECONDS)

    async def _renew(self) -> None:
        await within(CONNECT_SECONDS, check_topics(self._settings), "checking the topics")
        if self._state in _TO_BE_RENEWED:  # otherwise the old connection has recovered
            await self._connection.open(CONNECT_SECONDS, _start)
            self._enter(LinkState.CONNECTED)
            log.info("connected to Kafka")

    def _enter(self, state: LinkState) -> None:
        self._state = state
        if state in _TO_BE_RENEWED:
            self._renewal_wanted.set()
        else:
            self._renewal_wanted.clear()


async def _start(producer: AIOKafkaProducer) -> None:
    await producer.start()
    for topic in TOPICS:
        await producer.partitions_for(topic)  # so that the first webhook does not wait for it


async def _end(producer: AIOKafkaProducer) -> None:
    """Stop a producer that was replaced whenever its Kafka lets it: it first delivers what it holds.

    Those are records of webhooks that were answered 503; that Kafka gets some of them nevertheless is what a
    gateway's repetition does too, and the opt-out service knows both by their event id.
    """
    metrics.CONNECTIONS_ENDED.inc()
    try:
        await producer.stop()
    except Exception:
        log.exception("a connection to Kafka did not end cleanly")
