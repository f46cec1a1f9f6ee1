"""Publishes events about messages, and returns when Kafka has acknowledged them.

The events are made from dicts: the models of `shared.events.delivery` would validate again what the sender knows
already; the gate's `message_rejected` is rare, and made by its model. A test holds them against the models, byte by
byte. `python -m benchmarks.events` compares the two.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_json

from services.sender.ledger.model import ERASED, NOT_REQUESTED, Row, key_of
from services.sender.links import WITHOUT_LINKS, LinkWriter
from services.sender.traces import MESSAGE_TRACES, marked
from shared import tracing
from shared.events.base import derived_id_text, format_time
from shared.events.codec import cloud_event_headers, encode, headers_of
from shared.events.delivery import (
    MessageDispatching,
    MessageFailed,
    MessageOutcomeUnknown,
    MessageRejected,
    MessageSent,
    MessageSuppressed,
    MessageWaiting,
    delivery_event_id,
)
from shared.events.inbound import CarrierBlocked
from shared.events.outbound import MessageRequested
from shared.instructions.cut import instruction_of
from shared.kafka import SEND_SECONDS, within
from shared.producer import OutgoingRecord, Producer, send_parked
from shared.segments import segments_of
from shared.suppressions.placement import partitions_of
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES

SOURCE = "stopline/sender"

_Kind = type[
    MessageDispatching | MessageSent | MessageSuppressed | MessageFailed | MessageOutcomeUnknown | MessageWaiting
]


def announced(
    request: MessageRequested, decision_started_at: datetime, at: datetime, links: LinkWriter = WITHOUT_LINKS
) -> OutgoingRecord:
    """Return `message_dispatching`: the carrier is about to be called."""
    token = links.token_of(request)
    body, confirms = links.written(request, token).body, request.confirms_opt_out
    more = {
        "decision_started_at": format_time(decision_started_at),
        "instruction": None if confirms is not None else instruction_of(body),
        "link_token": token,
        "segments": segments_of(body).number,
        "confirms_opt_out": None if confirms is None else str(confirms),
    }
    return _record(MessageDispatching, "message_dispatching", request, at, more)


def outcome_event(row: Row) -> OutgoingRecord:
    """Return the event for a row that has an outcome, or waits: the same however often it is published."""
    match row.state:
        case "suppressed":
            state, scope = (row.detail or "").split(" ", 1)
            more = {"scope": scope, "state": state, "decision_started_at": format_time(row.decision_started_at)}
            return _record(MessageSuppressed, "message_suppressed", row, row.changed_at, more)
        case "sent":
            return _record(MessageSent, "message_sent", row, row.changed_at, {"carrier_message_id": row.detail})
        case "rejected":
            return _rejected(row)
        case "failed":
            return _record(MessageFailed, "message_failed", row, row.changed_at, {"reason": row.detail})
        case "unknown":
            return _record(MessageOutcomeUnknown, "message_outcome_unknown", row, row.changed_at, {})
        case "waiting":
            until, reason = (row.detail or "").split(" ", 1)
            return _record(MessageWaiting, "message_waiting", row, row.changed_at, {"until": until, "reason": reason})
        case "pending" | "dispatching":
            raise AssertionError(f"message {row.message_id} has no outcome yet")


def _rejected(row: Row) -> OutgoingRecord:
    reason, explanation = (row.detail or "").split(" ", 1)
    event = MessageRejected(
        event_id=delivery_event_id(row.account_id, row.message_id, "message_rejected"),
        occurred_at=row.changed_at,
        account_id=row.account_id,
        message_id=row.message_id,
        phone=None if row.phone in {ERASED, NOT_REQUESTED} else row.phone,
        reason=reason,
        detail=explanation,
    )
    key = event.phone or event.message_id
    return OutgoingRecord(key.encode(), encode(event), cloud_event_headers(event, SOURCE))


def _record(
    kind: _Kind, name: str, message: MessageRequested | Row, at: datetime, more: dict[str, Any]
) -> OutgoingRecord:
    which = (more["until"], more["reason"]) if kind is MessageWaiting else ()  # a message may wait several times
    moment = format_time(at)
    event_id = derived_id_text(message.account_id, message.message_id, name, *which)
    value = {
        "type": name,
        "version": 1,
        "event_id": event_id,
        "occurred_at": moment,
        "account_id": message.account_id,
        "message_id": message.message_id,
        "list_id": message.list_id,
        "phone": message.phone,
        "sender_number": message.sender_number,
        **more,
    }
    headers = headers_of(kind, SOURCE, event_id, moment)
    return OutgoingRecord(message.phone.encode(), to_json(value), headers)


class Reporter:
    """A publisher with the sender's own idempotent producer; every method raises TransientError.

    An event goes to the partition of its phone: of its message id, where it has no phone.
    """

    def __init__(self, producer: Producer, partitions: int, links: LinkWriter = WITHOUT_LINKS) -> None:
        self._producer = producer
        self._partitions = partitions
        self._links = links

    async def announce(self, requests: Iterable[MessageRequested], decision_started_at: datetime) -> None:
        """Announce that the carrier is about to be called for these messages."""
        now = datetime.now(UTC)
        requests = list(requests)
        records = [announced(request, decision_started_at, now, self._links) for request in requests]
        await self._publish(marked(map(key_of, requests), records) if tracing.is_on() else records)

    async def publish(self, rows: Iterable[Row]) -> None:
        """Publish the outcomes of messages."""
        rows = list(rows)
        records = [outcome_event(row) for row in rows]
        await self._publish(marked((row.key for row in rows), records) if tracing.is_on() else records)
        if tracing.is_on():
            MESSAGE_TRACES.ended(rows)

    async def report_blocks(self, blocks: Iterable[CarrierBlocked]) -> None:
        """Publish carriers' own blocks, to be decided as opt-outs."""
        await self._publish(
            [OutgoingRecord(each.phone.encode(), encode(each), cloud_event_headers(each, SOURCE)) for each in blocks],
            INBOUND_MESSAGES,
        )

    async def report_parked(self, events: Iterable[MessageRejected]) -> None:
        """Report records that were parked."""
        await self._publish(
            [
                OutgoingRecord(
                    (event.phone or event.message_id).encode(), encode(event), cloud_event_headers(event, SOURCE)
                )
                for event in events
            ]
        )

    async def park(self, parked: Iterable[OutgoingRecord]) -> None:
        """Park records."""
        await send_parked(self._producer, parked)

    async def _publish(self, records: Sequence[OutgoingRecord], topic: str = DELIVERY_EVENTS) -> None:
        by_partition: dict[int, list[OutgoingRecord]] = defaultdict(list)
        for record, partition in zip(records, self._places(records), strict=True):
            by_partition[partition].append(record)
        sends = [self._producer.send_all(topic, *each) for each in by_partition.items()]
        await within(SEND_SECONDS, asyncio.gather(*sends), f"publishing {topic}")

    def _places(self, records: Sequence[OutgoingRecord]) -> list[int]:
        return partitions_of([record.key or b"" for record in records], self._partitions)
