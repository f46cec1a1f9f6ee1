"""Sinch's SMS API: replies and delivery reports, as JSON, all to the one callback address of a service plan.

Fields and kinds as Sinch's own client has them (`sinch.domains.sms`). `client_reference` is what a batch was sent with,
also in a reply to it: ours are sent with their `message_id`. Numbers are international, without a plus sign.
"""

import hashlib
import hmac
from typing import ClassVar

from pydantic import Field

from services.inbound.fields import Fields, each_of
from services.inbound.gateways.credentials import CredentialType, SecretOrPassword, is_fresh
from services.inbound.gateways.encodings import decoded_base64
from services.inbound.gateways.reported import ReceiptStatus, Report, ReportedMessage, ReportedReceipt
from services.inbound.gateways.request import GatewayRequest
from services.inbound.responses import WebhookError

_SIGNATURE = "x-sinch-webhook-signature"
_REPEATED_FOR_SECONDS = 2 * 81_920
"""The pauses double up to 81,920 s. Whether a repetition has a new timestamp is not documented."""
# developers.sinch.com, "Delivery reports": Queued and Dispatched are intermediate; Unknown: handed to the network, and
# no report came.
_STATUS: dict[str, ReceiptStatus] = {
    "delivered": "delivered",
    "aborted": "failed",
    "cancelled": "failed",
    "deleted": "failed",
    "expired": "failed",
    "failed": "failed",
    "rejected": "failed",
}


class SinchCredential(SecretOrPassword):
    """The credential that Sinch's account manager has arranged."""

    def is_signed_with(self, secret: str, request: GatewayRequest) -> bool:
        headers = request.headers
        nonce, timestamp = headers.get(f"{_SIGNATURE}-nonce", ""), headers.get(f"{_SIGNATURE}-timestamp", "")
        if not nonce or not is_fresh(timestamp, request.received_at, repeated_for_seconds=_REPEATED_FOR_SECONDS):
            return False
        signed = b".".join((request.body, nonce.encode(), timestamp.encode()))
        expected = hmac.digest(secret.encode(), signed, hashlib.sha256)
        return hmac.compare_digest(expected, decoded_base64(headers.get(_SIGNATURE, "")))


class SinchMessage(ReportedMessage):
    gateway: ClassVar[str] = "sinch"
    always_international: ClassVar[bool] = True
    credential: ClassVar[CredentialType | None] = SinchCredential
    must_be_signed: ClassVar[bool] = False

    from_text: str = Field(validation_alias="from")
    body: str = ""
    to: str | None = None
    gateway_message_id: str | None = Field(None, validation_alias="id")
    sent_at: str | None = Field(None, validation_alias="received_at")
    replied_message_id: str | None = Field(None, validation_alias="client_reference")
    replied_carrier_message_id: str | None = None
    replied_body: str | None = None

    @classmethod
    def reports(cls, fields: Fields) -> list[Report]:
        return _reports(fields)


class SinchReceipt(ReportedReceipt):
    gateway: ClassVar[str] = "sinch"
    credential: ClassVar[CredentialType | None] = SinchCredential
    must_be_signed: ClassVar[bool] = False

    carrier_message_id: str = Field(min_length=1, validation_alias="batch_id")
    message_id: str | None = Field(None, validation_alias="client_reference")
    to: str | None = Field(None, validation_alias="recipient")
    sender: str | None = Field(None, validation_alias="applied_originator")
    status: str = Field(min_length=1)
    code: str = ""

    @classmethod
    def reports(cls, fields: Fields) -> list[Report]:
        return _reports(fields)

    def outcome(self) -> tuple[ReceiptStatus, str]:
        return _STATUS.get(self.status.lower(), "pending"), f"{self.status} {self.code}".strip()


def _reports(fields: Fields) -> list[Report]:
    """Return the reply, or each receipt, by the type that it says, whichever address it came to.

    Raises:
        WebhookError: `not_a_text`.
    """
    match fields.get("type", ""):
        case "mo_text":
            return [Report(SinchMessage, fields)]
        case "mo_media":
            return [Report(SinchMessage, {**fields, "body": fields.get("body.message", "")})]
        case "mo_binary":
            raise WebhookError("not_a_text", "a binary message has no text to read", field="type")
        case "recipient_delivery_report_sms" | "recipient_delivery_report_mms":
            return [Report(SinchReceipt, fields)]
        case "delivery_report_sms" | "delivery_report_mms":
            return [Report(SinchReceipt, receipt) for receipt in _each_receipt(fields)]
        case "":
            raise WebhookError("missing_field", "the field 'type' is missing; send it", field="type")
        case _:
            return []


def _each_receipt(fields: Fields) -> list[Fields]:
    """Return a receipt for each recipient of a batch; a summary without recipients is one if the batch has one."""
    found: list[Fields] = []
    for status in each_of(fields, "statuses"):
        recipients = [value for name, value in sorted(status.items()) if name.startswith("recipients.")]
        if not recipients and fields.get("total_message_count") == "1":
            found.append({**fields, **status})
        found += [{**fields, **status, "recipient": recipient} for recipient in recipients]
    return found
