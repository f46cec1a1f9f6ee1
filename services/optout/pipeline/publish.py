"""Publishes a batch in one Kafka transaction: the records, their order, and the new offset.

Of an entry its suppressions, its events, its automatic replies and its confirmation are published. Within
`suppressions` the changes come first and the watermark last, which vouches for them; between topics the order does not
matter.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced

from services.optout.decision_log.entry import Entry
from services.optout.decision_log.log import EntryOrAlike
from services.optout.pipeline.records import (
    auto_reply_records,
    confirmation_records,
    opt_out_records,
    record_of,
    suppression_records,
)
from shared.errors import TransientError
from shared.events.anchor import AnchorPublished
from shared.events.base import derived_id
from shared.events.codec import Headers
from shared.events.delivery import RecipientErased
from shared.events.inbound import ErasureRequested
from shared.events.suppression import (
    CHECKPOINT_KEY,
    WATERMARK_KEY,
    CheckpointPublished,
    MarkersPassed,
    SuppressionChanged,
    WatermarkAdvanced,
)
from shared.failpoints import failpoint
from shared.kafka import SEND_SECONDS, within
from shared.producer import OutgoingRecord, filled_batches
from shared.topics import (
    DELIVERY_EVENTS,
    EVIDENCE_ANCHORS,
    INBOUND_MESSAGES,
    OPT_OUT_EVENTS,
    OUTBOUND_MESSAGES,
    PARKED_MESSAGES,
    SUPPRESSIONS,
)

MAX_PRODUCER_BATCH_BYTES = 512 * 1024
_ABORT_SECONDS = 5.0


class AccountSettingsMark(NamedTuple):
    """A statement about the settings in a watermark: their epoch, and the sum of their records' digests."""

    epoch: str
    digest: str


@dataclass(frozen=True, slots=True)
class Publication:
    """A publication up to `next_offset`: the watermark, and the offset that is committed with it."""

    next_offset: int
    entries: Sequence[EntryOrAlike] = ()
    parked: Sequence[OutgoingRecord] = ()
    checkpoint: CheckpointPublished | None = None
    repaired: Sequence[OutgoingRecord] = ()
    """Suppressions that differed between the topic and the decision log."""
    merged: Sequence[SuppressionChanged] = ()
    """States that changed when two spellings of one number were merged."""
    erasures: Sequence[ErasureRequested] = ()
    """Those whose entries are among `entries`, which do not have the phone."""
    anchor: AnchorPublished | None = None
    """The head of the partition's hash chain, where it has moved."""
    account_settings: Sequence[OutgoingRecord] = ()
    """Accounts and lists that have changed, for the sender's gate."""
    account_settings_mark: AccountSettingsMark | None = None
    """What the watermark says of the settings; None: they are not all published yet."""
    watermark: int | None = None
    """An older one, where it is held back."""
    trace_headers: Mapping[int, Headers] = field(default_factory=dict)
    """By which the records of an entry go on with the trace of its reply, by offset."""

    def suppressions(self) -> Iterator[OutgoingRecord]:
        """Yield the records for `suppressions`: the watermark last, after what it vouches for."""
        yield from self.repaired
        for entry in self.entries:
            yield from self._traced(entry, suppression_records(entry))
        for event in self.merged:
            yield record_of(event.key(), event)
        if self.checkpoint is not None:
            yield record_of(CHECKPOINT_KEY, self.checkpoint)
        yield from self.account_settings
        mark = self.account_settings_mark
        watermark = WatermarkAdvanced(
            next_offset=self.next_offset if self.watermark is None else self.watermark,
            settings_epoch=None if mark is None else mark.epoch,
            settings_digest=None if mark is None else mark.digest,
        )
        yield record_of(WATERMARK_KEY, watermark)

    def opt_out_events(self) -> Iterator[OutgoingRecord]:
        """Yield the records for `opt-out-events`."""
        for entry in self.entries:
            yield from self._traced(entry, opt_out_records(entry))

    def recipients_erased(self) -> Iterator[OutgoingRecord]:
        """Yield the records for `delivery-events`: whoever keeps outcomes erases them, too."""
        for each in self.erasures:
            event = RecipientErased(
                event_id=derived_id(each.event_id, "recipient_erased"),
                occurred_at=each.occurred_at,
                account_id=each.account_id,
                phone=each.phone,
            )
            yield record_of(each.phone.encode(), event)

    def anchors(self) -> Iterator[OutgoingRecord]:
        """Yield the record for `evidence-anchors`."""
        if self.anchor is not None:
            yield record_of(None, self.anchor)

    def messages(self) -> Iterator[OutgoingRecord]:
        """Yield the records for `outbound-messages`."""
        for entry in self.entries:
            if isinstance(entry, Entry):  # those that are alike are of requests, which nobody answers
                yield from self._traced(entry, auto_reply_records(entry))
                yield from self._traced(entry, confirmation_records(entry))

    def _traced(self, entry: EntryOrAlike, records: Iterator[OutgoingRecord]) -> Iterator[OutgoingRecord]:
        header = self.trace_headers.get(entry.offset) if isinstance(entry, Entry) and self.trace_headers else None
        return records if header is None else (record.with_headers(header) for record in records)


class FencedError(Exception):
    """Kafka refuses this producer: a successor has started under its transactional id, and has the partition now."""


class TransactionPublisher:
    """A publisher for one partition: a Kafka transaction per batch, and without one that markers were passed.

    Args:
        producer: a transactional one, already started: it has fenced all before it.
        markers_producer: an idempotent one, already started.
        partition: of all topics placed by phone.
        group_id: whose offsets are committed.
    """

    def __init__(
        self, producer: AIOKafkaProducer, markers_producer: AIOKafkaProducer, partition: int, group_id: str
    ) -> None:
        self._producer = producer
        self._markers_producer = markers_producer
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

    async def pass_markers(self, passed: MarkersPassed) -> None:
        """Publish that there were only markers, in one append: a transaction would take three requests more.

        No successor is looked for: readers do, in the order of the partition.

        Raises:
            TransientError: Kafka did not take it, or may take it later; publish nothing more in this session.
        """
        failpoint("optout.before_markers")
        record = record_of(WATERMARK_KEY, passed)
        sent = self._markers_producer.send_and_wait(
            SUPPRESSIONS, record.value, record.key, partition=self._partition, headers=record.headers
        )
        await within(SEND_SECONDS, sent, "publishing that markers were passed")

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
            *await self._send(DELIVERY_EVENTS, publication.recipients_erased()),
            *await self._send(EVIDENCE_ANCHORS, publication.anchors()),
            *[
                await self._producer.send(OUTBOUND_MESSAGES, value, key, headers=headers)
                for key, value, headers in publication.messages()
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
