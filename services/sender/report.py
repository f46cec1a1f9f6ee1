"""Tells `delivery-events` what became of messages; returns when Kafka has acknowledged it."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from services.sender.ledger.rows import Row
from services.sender.producer import Producer, Record
from shared.events.codec import cloud_event_headers, encode
from shared.events.delivery import (
    AnyDeliveryEvent,
    MessageDispatching,
    MessageFailed,
    MessageOutcomeUnknown,
    MessageSent,
    MessageSuppressed,
    delivery_event_id,
)
from shared.events.outbound import MessageRequested
from shared.kafka import SEND_SECONDS, within
from shared.parking import ParkedRecord
from shared.partitions import partition_of
from shared.topics import DELIVERY_EVENTS, PARKED_MESSAGES

SOURCE = "stopline/sender"


class Reporter:
    """Publishes through the sender's own idempotent producer."""

    def __init__(self, producer: Producer, partitions: int) -> None:
        self._producer = producer
        self._partitions = partitions

    async def publish(self, events: Iterable[AnyDeliveryEvent]) -> None:
        """Publish, each at the partition of its phone (of its message id, where it has no phone).

        Raises:
            TransientError: Kafka did not acknowledge all of them.
        """
        by_partition: dict[int, list[Record]] = defaultdict(list)
        for event in events:
            by_partition[partition_of(_key(event), self._partitions)].append(_record(event))
        sends = [self._producer.send_all(DELIVERY_EVENTS, *each) for each in by_partition.items()]
        await within(SEND_SECONDS, asyncio.gather(*sends), "publishing delivery events")

    async def park(self, parked: Iterable[ParkedRecord]) -> None:
        """Park records.

        Raises:
            TransientError: Kafka did not acknowledge all of them.
        """
        sends = [
            self._producer.send_and_wait(PARKED_MESSAGES, each.value, each.key, partition=0, headers=each.headers)
            for each in parked
        ]
        await within(SEND_SECONDS, asyncio.gather(*sends), "parking records")


def _record(event: AnyDeliveryEvent) -> Record:
    return Record(_key(event).encode(), encode(event), cloud_event_headers(event, SOURCE))


def _key(event: AnyDeliveryEvent) -> str:
    return event.phone or event.message_id or str(event.event_id)


def dispatching(request: MessageRequested, decision_started_at: datetime) -> MessageDispatching:
    return MessageDispatching(
        **_common(request, "message_dispatching", datetime.now(UTC)), decision_started_at=decision_started_at
    )


def outcome(row: Row) -> AnyDeliveryEvent:
    """Return the event for a row that has its fate: whenever it is told, the same."""
    match row.state:
        case "sent":
            return MessageSent(**_common(row, "message_sent", row.changed_at), carrier_message_id=row.detail or "")
        case "suppressed":
            state, scope = (row.detail or "").split(" ", 1)
            return MessageSuppressed(
                **_common(row, "message_suppressed", row.changed_at),
                scope=scope,
                state="held" if state == "held" else "opted_out",
                decision_started_at=row.decision_started_at,
            )
        case "failed":
            return MessageFailed(**_common(row, "message_failed", row.changed_at), reason=row.detail or "")
        case "unknown":
            return MessageOutcomeUnknown(**_common(row, "message_outcome_unknown", row.changed_at))
        case "pending" | "dispatching":
            raise AssertionError(f"message {row.message_id} has no fate yet")


def _common(message: MessageRequested | Row, event_type: str, occurred_at: datetime) -> dict[str, Any]:
    return {
        "event_id": delivery_event_id(message.account_id, message.message_id, event_type),
        "occurred_at": occurred_at,
        "account_id": message.account_id,
        "message_id": message.message_id,
        "list_id": message.list_id,
        "phone": message.phone,
        "sender_number": message.sender_number,
    }
