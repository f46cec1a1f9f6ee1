"""The single Kafka transaction that publishes a batch: its events, its parked records and the new offset.

Within `suppressions` the changes come first and the watermark last; between topics the order does not matter.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced

from services.optout.pipeline.publication import Publication
from shared.errors import TransientError
from shared.failpoints import failpoint
from shared.kafka import SEND_SECONDS, within
from shared.producer import OutgoingRecord, filled_batches
from shared.topics import (
    EVIDENCE_ANCHORS,
    INBOUND_MESSAGES,
    OPT_OUT_EVENTS,
    OUTBOUND_MESSAGES,
    PARKED_MESSAGES,
    SUPPRESSIONS,
)

MAX_BATCH_BYTES = 512 * 1024
_ABORT_SECONDS = 5.0


class FencedError(Exception):
    """Another process has the partition now."""


class TransactionPublisher:
    """A publisher for one partition: a Kafka transaction per batch, by a transactional producer already started."""

    def __init__(self, producer: AIOKafkaProducer, partition: int, group_id: str) -> None:
        self._producer = producer
        self._partition = partition
        self._group_id = group_id

    async def publish(self, publication: Publication) -> None:
        """Publish all or nothing.

        Raises:
            FencedError: another process has the partition.
            TransientError: Kafka did not take it; the producer is of no further use.
        """
        try:
            await within(SEND_SECONDS, self._transaction(publication), "publishing a batch")
        except TransientError as error:
            if isinstance(error.__cause__, ProducerFenced | InvalidProducerEpoch):
                raise FencedError(str(error)) from error
            await self._abort()
            raise

    async def _transaction(self, publication: Publication) -> None:
        await self._producer.begin_transaction()
        failpoint("optout.after_begin")
        # A commit succeeds although a record in the transaction was refused: every send is awaited before.
        await asyncio.gather(*await self._send_all(publication))
        failpoint("optout.after_sends")
        offsets = {TopicPartition(INBOUND_MESSAGES, self._partition): publication.next_offset}
        await self._producer.send_offsets_to_transaction(offsets, self._group_id)
        failpoint("optout.after_offsets")
        failpoint("optout.before_kafka_commit")
        await self._producer.commit_transaction()
        failpoint("optout.after_kafka_commit")

    async def _send_all(self, publication: Publication) -> list[asyncio.Future[Any]]:
        return [
            *await self._send(OPT_OUT_EVENTS, publication.opt_out_events()),
            *await self._send(SUPPRESSIONS, publication.suppressions()),
            *await self._send(EVIDENCE_ANCHORS, publication.anchors()),
            *[
                await self._producer.send(OUTBOUND_MESSAGES, value, key, headers=headers)
                for key, value, headers in publication.auto_replies()
            ],
            *[
                await self._producer.send(
                    PARKED_MESSAGES, parked.value, parked.key, partition=0, headers=parked.headers
                )
                for parked in publication.parked
            ],
        ]

    async def _send(self, topic: str, records: Iterable[OutgoingRecord]) -> list[asyncio.Future[Any]]:
        batches = filled_batches(self._producer, records)
        return [await self._producer.send_batch(each, topic, partition=self._partition) for each in batches]

    async def _abort(self) -> None:
        try:
            async with asyncio.timeout(_ABORT_SECONDS):
                await self._producer.abort_transaction()
        except (TimeoutError, KafkaError, AssertionError, OSError):
            return  # the next producer with this transactional id aborts it
