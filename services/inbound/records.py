"""The records that webhooks, gateways' lists and SMSCs become: topic, partition, key, and where they came from."""

import hashlib
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.inbound.responses import WebhookError
from shared.events.base import derived_id, format_time
from shared.events.codec import Headers, cloud_event_headers, encode
from shared.events.delivery import DeliveryReceiptReceived
from shared.events.inbound import CarrierBlocked, MessageReceived, each_reading
from shared.partitions import partition_of
from shared.producer import OutgoingRecord
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, PARKED_MESSAGES

SOURCE = "stopline/inbound"
_MAX_CONTENT_TYPE = 128


class PlacedRecord(NamedTuple):
    """A record with its topic and partition."""

    topic: str
    partition: int
    record: OutgoingRecord

    def with_headers(self, more: Headers) -> "PlacedRecord":
        return self._replace(record=self.record.with_headers(more))


def records_of(
    event: MessageReceived | DeliveryReceiptReceived | CarrierBlocked, partitions: int
) -> list[PlacedRecord]:
    """Return the event's record; of a reply one for each number that its writer may have."""
    events = each_reading(event) if isinstance(event, MessageReceived) else [event]
    return [event_record(each, partitions) for each in events]


def event_record(event: MessageReceived | DeliveryReceiptReceived | CarrierBlocked, partitions: int) -> PlacedRecord:
    """Return the event's record, placed by phone; a receipt without a phone by the carrier's id of the message."""
    if isinstance(event, MessageReceived | CarrierBlocked):
        topic, key = INBOUND_MESSAGES, event.phone
    else:
        topic, key = DELIVERY_EVENTS, event.phone or event.carrier_message_id
    record = OutgoingRecord(key.encode(), encode(event), cloud_event_headers(event, SOURCE))
    return PlacedRecord(topic, partition_of(key, partitions), record)


def parked_id(account_id: str, gateway: str, kind: str, body: bytes) -> UUID:
    return derived_id(f"{account_id}|{gateway}|{kind}|{hashlib.sha256(body).hexdigest()}", "parked")


def parked_record(  # noqa: PLR0913 (where it came from)
    *,
    account_id: str,
    gateway: str,
    kind: str,
    content_type: str,
    body: bytes,
    error: WebhookError,
    now: datetime,
) -> PlacedRecord:
    """Return the record to park for a webhook that was refused although its secret is right: its bytes, the reason.

    So nothing that a gateway brought is lost, whatever it does with our 4xx. The id is computed from the bytes: a
    gateway that repeats the webhook parks the same record, which an operator sees once.
    """
    headers = {
        "parked_id": str(parked_id(account_id, gateway, kind, body)),
        "parked_reason": error.reason,
        "parked_detail": f"{error.field}: {error.detail}" if error.field else error.detail,
        "parked_by": SOURCE,
        "parked_at": format_time(now),
        "webhook_account_id": account_id,
        "webhook_gateway": gateway,
        "webhook_kind": kind,
        "webhook_content_type": content_type[:_MAX_CONTENT_TYPE],
    }
    encoded = [(name, value.encode(errors="replace")) for name, value in headers.items()]
    return PlacedRecord(PARKED_MESSAGES, 0, OutgoingRecord(None, body, encoded))
