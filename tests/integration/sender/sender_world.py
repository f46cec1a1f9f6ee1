"""What the sender's tests share: a stand-in for the opt-out service, a look into Kafka, and waiting."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from settings_records import SettingsOfPartition

from harness.sandbox.client import SandboxClient
from harness.stack.embedded import EmbeddedBackend
from harness.stack.service import Service
from shared.errors import PoisonError
from shared.events.codec import decode, encode
from shared.events.delivery import AnyDeliveryEvent, DeliveryReceiptReceived, RecipientErased, delivery_event_adapter
from shared.events.outbound import MessageRequested
from shared.events.suppression import (
    CHECKPOINT_KEY,
    WATERMARK_KEY,
    CheckpointPublished,
    ListPublished,
    SuppressionChanged,
    SuppressionState,
)
from shared.kafka import new_consumer, new_producer
from shared.partitions import partition_of
from shared.settings import KafkaSettings
from shared.suppression_digest import format_digest
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, OUTBOUND_MESSAGES, PARKED_MESSAGES, SUPPRESSIONS

Outcomes = defaultdict[tuple[str, str], list[AnyDeliveryEvent]]


async def until(what: str, condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Wait until `condition` (awaited if it can be) is true; return what it gave."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                found = condition()
                found = await found if isinstance(found, Awaitable) else found
                if found:
                    return found
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"{what}: not within {seconds:.0f} s") from None


class OptOutStandIn:
    """Answers every fence marker at once, and suppresses what a test says: the opt-out service without its rules."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._partitions = settings.partitions
        self._consumer: AIOKafkaConsumer = new_consumer(settings.kafka_bootstrap)
        self._producer: AIOKafkaProducer = new_producer(settings.kafka_bootstrap)
        self._task: asyncio.Task[None] | None = None
        self._settings = [SettingsOfPartition() for _ in range(settings.partitions)]
        self.answers = asyncio.Event()
        self.answers.set()

    async def start(self) -> None:
        await self._producer.start()
        await self._consumer.start()
        for number in range(self._partitions):
            nothing = CheckpointPublished(next_offset=0, suppressed_count=0, digest=format_digest(0))
            await self._publish(number, CHECKPOINT_KEY, nothing)
        partitions = [TopicPartition(INBOUND_MESSAGES, number) for number in range(self._partitions)]
        self._consumer.assign(partitions)
        await self._consumer.seek_to_beginning(*partitions)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])
        await self._consumer.stop()
        await self._producer.stop()

    async def suppress(self, request: MessageRequested, scope: str, state: SuppressionState = "opted_out") -> None:
        changed = SuppressionChanged(
            account_id=request.account_id,
            scope=scope,
            phone=request.phone,
            state=state,
            cause_event_id=uuid4(),
            changed_at=datetime.now(UTC),
        )
        await self._publish(partition_of(request.phone, self._partitions), changed.key(), changed)

    async def account(self, account_id: str, lists: Iterable[int] = (7,), **settings: Any) -> None:
        """Publish an account's settings, which count with the next watermark."""
        partition = partition_of(account_id, self._partitions)
        for key, value in self._settings[partition].account(account_id, lists, **settings):
            await self._producer.send_and_wait(SUPPRESSIONS, value, key, partition=partition)

    async def forge(self, event: ListPublished) -> None:
        """Publish a setting that no watermark vouches for."""
        partition = partition_of(event.account_id, self._partitions)
        await self._publish(partition, event.key(), event)

    async def _run(self) -> None:
        async for record in self._consumer:
            await self.answers.wait()
            watermark = self._settings[record.partition].watermark(record.offset + 1)
            await self._publish(record.partition, WATERMARK_KEY, watermark)

    async def _publish(self, partition: int, key: bytes, event: Any) -> None:
        await self._producer.send_and_wait(SUPPRESSIONS, encode(event), key, partition=partition)


class Kafka:
    """Producing requests, and what is published about them: `outcomes` fills by itself."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer = new_producer(settings.kafka_bootstrap)
        self._admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
        self.outcomes: Outcomes = defaultdict(list)
        self.outcome_published_ms: dict[tuple[str, str], int] = {}
        self.parked: list[ConsumerRecord] = []

    async def produce(self, *requests: MessageRequested, partition: int | None = None) -> list[Any]:
        """Return the records' metadata once Kafka has them."""
        sent = [
            await self._producer.send(OUTBOUND_MESSAGES, encode(each), each.phone.encode(), partition=partition)
            for each in requests
        ]
        return list(await asyncio.gather(*sent))

    async def produce_raw(self, value: bytes | None, *, key: bytes | None = b"x", headers: Any = ()) -> Any:
        return await self._producer.send_and_wait(OUTBOUND_MESSAGES, value, key, partition=0, headers=list(headers))

    async def produce_many_raw(self, values: Iterable[bytes]) -> list[int]:
        """Return the offsets in partition 0 that the records got."""
        sent = [await self._producer.send(OUTBOUND_MESSAGES, value, partition=0) for value in values]
        return [metadata.offset for metadata in await asyncio.gather(*sent)]

    async def produce_delivery_event(self, value: bytes | None, partition: int, headers: Any = ()) -> None:
        await self._producer.send_and_wait(DELIVERY_EVENTS, value, b"odd", partition=partition, headers=list(headers))

    async def receipt(
        self,
        request: MessageRequested,
        carrier_message_id: str,
        status: str = "delivered",
        reference: int | None = None,
    ) -> None:
        """Publish what a gateway reports of a message: by its id, or by its reference in place of that."""
        receipt = DeliveryReceiptReceived(
            event_id=uuid4(),
            occurred_at=datetime.now(UTC),
            account_id=request.account_id,
            gateway="sandbox",
            carrier_message_id=carrier_message_id,
            message_id=request.message_id if reference is None else None,
            message_reference=reference,
            phone=request.phone,
            status=status,
            gateway_status=status.upper(),
        )
        partition = partition_of(request.phone, self._settings.partitions)
        await self._producer.send_and_wait(DELIVERY_EVENTS, encode(receipt), partition=partition)

    def published(self, request: MessageRequested) -> list[str]:
        """Return the types of the events about a message, in the order in which each was published first.

        An event that was published again counts once, as for any consumer: delivery is at least once, and a repetition
        has the same `event_id`.
        """
        return list({event.event_id: event.type for event in self._outcomes_of(request)}.values())

    def times_published(self, request: MessageRequested, event_type: str) -> int:
        """Return how often events of the type were published about a message, repetitions included."""
        return sum(event.type == event_type for event in self._outcomes_of(request))

    def _outcomes_of(self, request: MessageRequested) -> list[AnyDeliveryEvent]:
        return self.outcomes[request.account_id, request.message_id]

    def event(self, request: MessageRequested, event_type: str) -> Any:
        return next(each for each in self._outcomes_of(request) if each.type == event_type)

    async def committed(self, group_id: str = "stopline-sender", topic: str = OUTBOUND_MESSAGES) -> dict[int, int]:
        """Return the group's committed offset of each partition of the topic that has one."""
        offsets = await self._admin.list_consumer_group_offsets(group_id)
        return {tp.partition: at.offset for tp, at in offsets.items() if tp.topic == topic}

    async def ends(self, topic: str = OUTBOUND_MESSAGES) -> dict[int, int]:
        consumer: AIOKafkaConsumer = new_consumer(self._settings.kafka_bootstrap)
        await consumer.start()
        try:
            tps = [TopicPartition(topic, number) for number in range(self._settings.partitions)]
            return {tp.partition: end for tp, end in (await consumer.end_offsets(tps)).items()}
        finally:
            await consumer.stop()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Kafka"]:
        await self._producer.start()
        await self._admin.start()
        consumer: AIOKafkaConsumer = new_consumer(self._settings.kafka_bootstrap)
        await consumer.start()
        tps = [TopicPartition(DELIVERY_EVENTS, number) for number in range(self._settings.partitions)]
        consumer.assign([*tps, TopicPartition(PARKED_MESSAGES, 0)])
        await consumer.seek_to_beginning()
        task = asyncio.create_task(self._read(consumer))
        yield self
        task.cancel()
        await asyncio.wait([task])
        await consumer.stop()
        await self._admin.close()
        await self._producer.stop()

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        async for record in consumer:
            if record.topic == PARKED_MESSAGES:
                self.parked.append(record)
                continue
            try:
                event = decode(delivery_event_adapter, record.value)
            except PoisonError:
                continue  # written by a test
            if isinstance(event, RecipientErased):
                continue
            account_id, message_id = event.account_id or "", event.message_id or ""
            self.outcomes[account_id, message_id].append(event)
            if event.type not in {"message_dispatching", "delivery_receipt_received"}:
                self.outcome_published_ms.setdefault((account_id, message_id), record.timestamp)


@dataclass(frozen=True)
class World:
    """What a test works with; the account is its own."""

    kafka: Kafka
    backend: EmbeddedBackend
    opt_out: OptOutStandIn
    sender: Service
    second_sender: Service
    sandbox_service: Service
    sandbox: SandboxClient
    account_id: str

    def request(self, number: int, **changes: Any) -> MessageRequested:
        """Return a message to a phone of its own."""
        fields: dict[str, Any] = {
            "account_id": self.account_id,
            "message_id": f"m-{number}",
            "list_id": 7,
            "phone": f"+1415555{number:04d}",
            "sender_number": "+14155550199",
            "body": "Sale today. Reply STOP to opt out.",
        }
        return MessageRequested(**{**fields, **changes})

    async def calls(self) -> list[str]:
        """Return the message ids that the carrier was called for, in order."""
        return [call["message_id"] for call in await self.sandbox.calls(self.account_id)]

    def is_sent(self, asked: MessageRequested) -> bool:
        """Say whether it was announced and then sent, and nothing else was published about it."""
        return self.kafka.published(asked) == ["message_dispatching", "message_sent"]

    async def until_sent(self, *asked: MessageRequested, seconds: float = 30.0) -> None:
        """Wait until all are sent; where they are not in time, the error has what was published about each."""
        try:
            await until("all are sent", lambda: all(map(self.is_sent, asked)), seconds)
        except AssertionError as error:
            found = {each.message_id: self.kafka.published(each) for each in asked if not self.is_sent(each)}
            raise AssertionError(f"{error}: {found}") from None

    def has_outcome(self, asked: MessageRequested) -> bool:
        return self.kafka.published(asked)[-1:] not in ([], ["message_dispatching"])


async def frozen(service: Service) -> bool:
    """Say whether the process is stopped, as a failpoint stops it."""
    stat = Path(f"/proc/{service.process.pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "T"


def raw(**fields: Any) -> bytes:
    return json.dumps({"type": "message_requested", **fields}).encode()
