"""Reads a worker's partition of `inbound-messages`, and notices what a Kafka client keeps to itself."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from services.optout.pipeline.context import Context
from services.optout.pipeline.start import MissingRecordsError
from shared.consumer import Consumer, Polled, first_offset
from shared.errors import TransientError
from shared.kafka import SEND_SECONDS, assigned_consumer, within

_POLL_MS = 2_000


class InboundConsumer:
    """A consumer of one partition from `offset` on.

    Each worker has a consumer of its own: one for several partitions has one fetch a broker under way, and a partition
    that was just read would wait for a fetch that leaves it out.
    """

    def __init__(self, context: Context, consumer: Consumer, partition: TopicPartition, offset: int) -> None:
        self._context = context
        self._consumer = consumer
        self._partition = partition
        self._next_offset = offset
        self._last_end = offset
        consumer.seek(partition, offset)

    async def poll(self) -> Sequence[Polled]:
        """Wait for records and return those that there are, at least one.

        Raises:
            MissingRecordsError: records that were not read yet have been deleted.
            TransientError: Kafka is unavailable, or has records that the consumer does not deliver.
        """
        while not (records := await self._poll_once()):
            await self._check_not_stuck()
        first = first_offset(records[0])
        if first != self._next_offset:
            await self._explain_gap(first)
        self._next_offset = self._last_end = records[-1].offset + 1
        return records

    def lag(self, decided_to: int) -> int:
        """Return how many records from offset `decided_to` on Kafka has, as far as the consumer has heard."""
        heard = self._partition in self._consumer.assignment() and self._consumer.highwater(self._partition)
        return max(0, (heard or 0) - decided_to)

    async def _poll_once(self) -> Sequence[Polled]:
        try:
            polled = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=self._context.settings.batch_records)
        except (KafkaError, OSError) as error:
            raise TransientError(f"reading {self._partition.topic}: {error!r}") from error
        return list(polled.get(self._partition, ()))

    async def _explain_gap(self, found: int) -> None:
        """Refuse to go on where records were deleted; offsets that a producer's transactions use up are not records."""
        if await self._context.beginning_offset(self._partition) > self._next_offset:
            raise MissingRecordsError(
                f"{self._partition.topic} {self._partition.partition}: offsets {self._next_offset} to {found} were"
                " deleted undecided"
            )

    async def _check_not_stuck(self) -> None:
        """Begin again where what was there at the last check has not come: a consumer can hang after an outage."""
        read = await within(SEND_SECONDS, self._consumer.position(self._partition), "asking for the position")
        if self._last_end > read:
            raise TransientError(f"{self._partition} has records up to {self._last_end}, none came from {read}")
        self._last_end = await self._context.end_offset(self._partition)


@asynccontextmanager
async def consuming_inbound(context: Context, partition: TopicPartition, offset: int) -> AsyncIterator[InboundConsumer]:
    """Lend a consumer that reads from `offset`."""
    async with assigned_consumer(context.settings.kafka, [partition], fetch_max_wait_ms=_POLL_MS) as consumer:
        yield InboundConsumer(context, consumer, partition, offset)
