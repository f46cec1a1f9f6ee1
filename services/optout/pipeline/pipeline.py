"""The process's part of the consumer group: a worker for each partition that is ours, none for one that is not."""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from services.optout.decision_log.partition_changes import former_partitions
from services.optout.decision_log.stored_rules import StoredRules
from services.optout.decision_log.topics import is_repair_asked_for
from services.optout.pipeline.context import Context
from services.optout.pipeline.worker import Worker
from services.optout.settings import OptOutSettings
from shared.errors import TransientError
from shared.kafka import START_SECONDS, group_options, new_consumer, stop_quietly, within
from shared.postgres import Pool, connection_from
from shared.topics import INBOUND_MESSAGES

log = logging.getLogger(__name__)

_END_WORKERS_SECONDS = 8.0
_RESTART_SECONDS = 1.0
_POLL_MS = 1000


class Pipeline:
    """A pipeline that runs until cancelled; `trouble` says whether everything that is ours is being decided."""

    def __init__(self, settings: OptOutSettings, pool: Pool) -> None:
        self._settings = settings
        self._pool = pool
        self._workers: dict[int, tuple[Worker, asyncio.Task[None]]] = {}
        self._rules = StoredRules(settings.shipped_policies)
        self._joined = False
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def trouble(self) -> str | None:
        """Say which partitions that are ours are not being decided, and why; None where all are."""
        if not self._joined:
            return "no partition has been assigned yet"
        found = {number: worker.condition.trouble() for number, (worker, _) in sorted(self._workers.items())}
        return "; ".join(f"partition {number}: {why}" for number, why in found.items() if why) or None

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            Exception: a bug; nothing after it was published.
        """
        while True:
            self._failed = asyncio.get_running_loop().create_future()
            try:
                await self._run_once()
            except (TransientError, KafkaError) as error:
                log.warning("the group's consumer begins again: %r", error)
                await asyncio.sleep(_RESTART_SECONDS)

    async def _run_once(self) -> None:
        # It reads nothing: each worker has a consumer and finds its own start.
        group = group_options(self._settings.group_id, self._settings.session_timeout_seconds)
        idle_consumer = new_consumer(self._settings.kafka, **group)
        try:
            await within(START_SECONDS, idle_consumer.start(), "connecting to Kafka")
            async with connection_from(self._pool) as connection:
                former = await former_partitions(connection)
            context = Context(self._settings, self._pool, idle_consumer, self._rules, former_partitions=former)
            topic_ids = await context.topic_ids()
            idle_consumer.subscribe([INBOUND_MESSAGES], listener=_Listener(self, context))
            await self._stay(context, topic_ids)
        finally:
            self._joined = False
            await self.end_workers(list(self._workers))
            await stop_quietly(idle_consumer)

    async def _stay(self, context: Context, topic_ids: dict[str, str]) -> None:
        """Stay in the group, which puts out whoever does not poll, until a worker fails or must begin again."""
        while not self._failed.done():
            await context.idle_consumer.getmany(timeout_ms=_POLL_MS)
            with suppress(TransientError):
                if (found := await context.topic_ids()) != topic_ids:
                    self._fail(TransientError(f"a topic was recreated: {found}, was {topic_ids}"))
            if await self._must_repair():
                self._fail(TransientError("what the topic suppressions holds is to be repaired"))
        self._failed.result()

    async def _must_repair(self) -> bool:
        running = [number for number, (worker, _) in self._workers.items() if worker.condition.state == "running"]
        try:
            async with connection_from(self._pool) as connection:
                return await is_repair_asked_for(connection, running)
        except TransientError:
            return False

    def start_workers(self, context: Context, partitions: Iterable[int]) -> None:
        for partition in partitions:
            worker = Worker(context, partition)
            task = asyncio.create_task(worker.run(), name=f"partition {partition}")
            task.add_done_callback(self._note_failure)
            self._workers[partition] = worker, task
        self._joined = True

    async def end_workers(self, partitions: Iterable[int]) -> None:
        """Cancel the workers and wait until they are gone: their producers are closed when the successor begins."""
        tasks = [self._workers.pop(partition)[1] for partition in partitions if partition in self._workers]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_END_WORKERS_SECONDS)

    def _note_failure(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._fail(_leaf(error))

    def _fail(self, error: BaseException) -> None:
        if not self._failed.done():
            self._failed.set_exception(error)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    def __init__(self, pipeline: Pipeline, context: Context) -> None:
        self._pipeline = pipeline
        self._context = context

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        await self._pipeline.end_workers([each.partition for each in revoked])

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        log.info("assigned: %s", sorted(each.partition for each in assigned))
        self._context.idle_consumer.pause(*assigned)
        self._pipeline.start_workers(self._context, [each.partition for each in assigned])


def _leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
