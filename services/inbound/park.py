"""Webhooks that are refused although their secret is right go to `parked-messages` with their bytes and the reason.

So nothing that a gateway brought is lost, whatever it does with our 4xx. The id is computed from the bytes: a gateway
that repeats the webhook parks the same record, which an operator sees once.
"""

import hashlib
from datetime import datetime
from uuid import UUID

from services.inbound.errors import WebhookError
from services.inbound.publish import SOURCE, PlacedRecord
from shared.events.base import derived_id, format_time
from shared.producer import OutgoingRecord
from shared.topics import PARKED_MESSAGES

_MAX_CONTENT_TYPE = 128


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
    """Return the record to park for a webhook that was refused."""
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
