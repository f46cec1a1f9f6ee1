"""Decides one partition, batch by batch: recorded in Postgres, then published in one Kafka transaction."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from aiokafka import TopicPartition

from services.optout import metrics
from services.optout.decision_log.log import PostgresDecisionLog
from services.optout.decision_log.position import PositionMovedError, end_predecessors
from services.optout.decision_log.topics import Topics, read_topics, save_topics
from services.optout.pipeline.account_settings import PartitionAccounts
from services.optout.pipeline.clicks import ClickResolver
from services.optout.pipeline.condition import Condition
from services.optout.pipeline.context import SOURCE, Context
from services.optout.pipeline.delivery_events import following_delivery_events
from services.optout.pipeline.forward import Forwarder
from services.optout.pipeline.inbound_consumer import InboundConsumer, consuming_inbound
from services.optout.pipeline.parse import parse
from services.optout.pipeline.publish import MAX_PRODUCER_BATCH_BYTES, FencedError, TransactionPublisher
from services.optout.pipeline.repair import repair
from services.optout.pipeline.session import WorkerSession
from services.optout.pipeline.start import MissingRecordsError, checked_topics, find_start
from shared.consumer import Polled
from shared.errors import TransientError
from shared.failpoints import failpoint
from shared.kafka import START_SECONDS, new_producer, new_transactional_producer, stop_quietly, within
from shared.parking import Parking
from shared.postgres import POSTGRES_UNAVAILABLE, connection_from
from shared.topics import INBOUND_MESSAGES, SUPPRESSIONS

log = logging.getLogger(__name__)

_BACKOFF_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)
_FENCED_SECONDS = 2.0
_PROVE_SECONDS = 1.0


class Worker:
    """A worker that runs until cancelled.

    One that is halted needs a person: nothing is decided for, or sent to, the phones of its partition.
    """

    def __init__(self, context: Context, partition: int) -> None:
        self.partition = partition
        self.condition = Condition()
        self._context = context
        self._topic_partition = TopicPartition(INBOUND_MESSAGES, partition)
        self._parking = Parking(SOURCE)
        self._forwarder = Forwarder(context.settings, context.pool)
        self._failures = 0

    async def run(self) -> None:
        """Work in sessions: one ends where Kafka or Postgres is unavailable, and the next begins from the positions.

        Raises:
            Exception: a bug; nothing from the offset that the log names was published.
        """
        metrics.HALTED.labels(self.partition).set(0)
        try:
            await self._sessions()
        except asyncio.CancelledError:
            # Whoever has the partition now says how far it is.
            metrics.LAG.labels(self.partition).set_function(_nothing)
            raise
        except Exception as error:
            # Until the process has ended: the next one begins at the same offset.
            self.condition.fails("ending", repr(error))
            log.critical("%s cannot be decided, the service ends: %r", self._place(), error)
            raise

    async def _sessions(self) -> None:
        while True:
            try:
                await self._session()
            # Errors of the followers come in groups.
            except* MissingRecordsError as errors:
                await self._halt(errors)
            except* (FencedError, PositionMovedError) as errors:
                # We may be a zombie that does not know it yet: give the consumer time to find out that it lost the
                # partition, and begin again only if it did not.
                await self._pause("fenced", errors, _FENCED_SECONDS)
            except* (TransientError, *POSTGRES_UNAVAILABLE) as errors:
                delay = _BACKOFF_SECONDS[min(self._failures, len(_BACKOFF_SECONDS) - 1)]
                self._failures += 1
                await self._pause("transient", errors, delay)

    async def _halt(self, errors: BaseExceptionGroup[Exception]) -> None:
        self.condition.fails("halted", _texts(errors))
        metrics.HALTED.labels(self.partition).set(1)
        log.critical("%s is halted: %s", self._place(), _texts(errors))
        await asyncio.Event().wait()

    async def _pause(self, reason: str, errors: BaseExceptionGroup[Exception], seconds: float) -> None:
        self.condition.fails("starting", _texts(errors))
        metrics.SESSIONS_ENDED.labels(reason).inc()
        log.warning("%s is tried again in %.1f s: %s", self._place(), seconds, _texts(errors))
        await asyncio.sleep(seconds)

    def _place(self) -> str:
        return f"{INBOUND_MESSAGES} partition {self.partition} at offset {self.condition.offset}"

    async def _session(self) -> None:
        settings = self._context.settings
        producer = new_transactional_producer(
            settings.kafka, f"{settings.group_id}-{self.partition}", max_batch_size=MAX_PRODUCER_BATCH_BYTES
        )
        markers_producer = new_producer(settings.kafka)
        try:
            await within(START_SECONDS, producer.start(), "fencing the predecessors")
            await within(START_SECONDS, markers_producer.start(), "connecting to Kafka")
            await self._work(TransactionPublisher(producer, markers_producer, self.partition, settings.group_id))
        finally:
            await stop_quietly(producer)
            await stop_quietly(markers_producer)
            await self._forwarder.close()

    async def _work(self, publisher: TransactionPublisher) -> None:
        settings = self._context.settings
        await self._end_predecessors()
        decision_log = self._decision_log()
        topic_ids = await self._context.topic_ids()
        async with connection_from(self._context.pool) as connection:
            topics = checked_topics(await read_topics(connection, self.partition), topic_ids)
            start = await find_start(self._context, self.partition, decision_log)
            await save_topics(connection, self.partition, topics)
        async with (
            following_delivery_events(self._context, self.partition) as deliveries,
            consuming_inbound(self._context, self._topic_partition, start.offset) as inbound,
        ):
            session = WorkerSession(
                self.partition,
                start,
                decision_log,
                publisher,
                deliveries,
                account_settings=PartitionAccounts(self._context.pool, self.partition, settings.partitions),
                checkpoint_seconds=settings.checkpoint_seconds,
                idle_checkpoint_seconds=settings.idle_checkpoint_seconds,
            )
            clicks = ClickResolver(self._context, deliveries, self._parking)
            if topics.suppressions != topic_ids[SUPPRESSIONS]:
                await self._repair(publisher, start.offset, replace(topics, suppressions=topic_ids[SUPPRESSIONS]))
            await session.start()
            self.condition.runs(start.offset)
            metrics.WATERMARK.labels(self.partition).set(start.offset)
            metrics.LAG.labels(self.partition).set_function(lambda: inbound.lag(self.condition.offset or 0))
            log.info("partition %d runs from offset %d", self.partition, start.offset)
            while True:
                await self._step(session, clicks, await self._next(session, inbound))

    async def _repair(self, publisher: TransactionPublisher, offset: int, topics: Topics) -> None:
        repaired = await repair(self._context, self.partition, publisher, offset, self._forwarder.ask)
        metrics.SUPPRESSIONS_REPAIRED.inc(repaired)
        async with connection_from(self._context.pool) as connection:
            await save_topics(connection, self.partition, topics)

    async def _next(self, session: WorkerSession, inbound: InboundConsumer) -> Sequence[Polled]:
        """Wait for records; prove the partition meanwhile, however long that takes."""
        polling = asyncio.create_task(inbound.poll())
        try:
            while not (await asyncio.wait([polling], timeout=_PROVE_SECONDS))[0]:
                await session.prove()
            return await polling
        finally:
            polling.cancel()

    def _decision_log(self) -> PostgresDecisionLog:
        context, settings = self._context, self._context.settings
        window = settings.attribution_window
        return PostgresDecisionLog(
            context.pool, context.rules, self.partition, settings.partitions, window, context.now
        )

    async def _end_predecessors(self) -> None:
        async with connection_from(self._context.pool) as connection:
            ended = await end_predecessors(connection, self.partition)
        if ended:
            log.warning("partition %d: ended %d transactions of predecessors that sleep", self.partition, ended)

    async def _step(self, session: WorkerSession, clicks: ClickResolver, records: Sequence[Polled]) -> None:
        failpoint("optout.after_poll")
        context = self._context
        portions = parse(records, context.settings.partitions, self._parking, context.now(), context.former_partitions)
        for parsed in portions:
            self.condition.begins(parsed.first_offset)
            with metrics.BATCH_SECONDS.time():
                await session.process(await self._forwarder.forward(await clicks.resolve(parsed)))
            self._failures = 0
            self.condition.ends(parsed.next_offset)


def _nothing() -> float:
    return 0.0


def _texts(errors: BaseExceptionGroup[Exception]) -> str:
    return "; ".join(
        _texts(error) if isinstance(error, BaseExceptionGroup) else f"{type(error).__name__}: {error}"
        for error in errors.exceptions
    )
