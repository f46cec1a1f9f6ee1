"""Infobip: inbound SMS and delivery reports, as JSON, several in one webhook.

infobip.com/docs: "Receive inbound SMS messages", "Receive outbound SMS message report", "Response status and error
codes". `callbackData` is what a message was sent with: ours are sent with their `message_id`. Numbers are
international, without a plus sign. `text` has the keyword, `cleanText` has not: a STOP would be empty.
"""

import hmac
from typing import ClassVar, Literal

from pydantic import AliasChoices, Field

from services.inbound.fields import Fields, each_of
from services.inbound.gateways.credentials import CredentialType, SecretOrPassword
from services.inbound.gateways.encodings import decoded_base64
from services.inbound.gateways.reported import CarrierBlock, ReceiptStatus, Report, ReportedMessage, ReportedReceipt
from services.inbound.gateways.request import GatewayRequest
from services.inbound.limits import MAX_BATCH_BYTES
from services.inbound.responses import WebhookError

_GROUPS: dict[str, ReceiptStatus] = {
    "DELIVERED": "delivered",
    "UNDELIVERABLE": "failed",
    "EXPIRED": "failed",
    "REJECTED": "failed",
}
_STILL_PENDING = frozenset(("DELIVERED_TO_OPERATOR", "EXPIRED_DLR_UNKNOWN"))
"""In a final group, but nobody knows whether the phone has it."""
_OPTED_OUT = frozenset(("603", "2052"))
"""`error.id`: EC_CONTENT_BLOCKED (the recipient's STOP, at the network), EC_BLACKLISTED_DESTINATIONADDRESS."""
_BLOCKLISTED = "14"
"""`status.id`: REJECTED_DESTINATION_BLOCKLISTED."""


class InfobipCredential(SecretOrPassword):
    """The security settings of a notification profile; a secret signs the body."""

    algorithm: Literal["sha256", "sha384", "sha512"] = "sha256"
    header: str = Field("x-hub-signature", pattern=r"^[A-Za-z0-9-]{1,64}$")
    """The header with the signature, as the profile names it."""

    def is_signed_with(self, secret: str, request: GatewayRequest) -> bool:
        given = request.headers.get(self.header.lower(), "").removeprefix(f"{self.algorithm}=")
        expected = hmac.digest(secret.encode(), request.body, self.algorithm)
        is_hex = hmac.compare_digest(expected.hex().encode(), given.lower().encode())
        return is_hex or hmac.compare_digest(expected, decoded_base64(given))


class InfobipMessage(ReportedMessage):
    gateway: ClassVar[str] = "infobip"
    max_request_bytes: ClassVar[int] = MAX_BATCH_BYTES
    always_international: ClassVar[bool] = True
    credential: ClassVar[CredentialType | None] = InfobipCredential
    must_be_signed: ClassVar[bool] = False
    repeats_until_accepted: ClassVar[bool] = True

    from_text: str = Field(validation_alias=AliasChoices("from", "sender"))
    body: str = Field("", validation_alias="text")
    to: str | None = Field(None, validation_alias=AliasChoices("to", "destination"))
    gateway_message_id: str | None = Field(None, validation_alias="messageId")
    sent_at: str | None = Field(None, validation_alias="receivedAt")
    replied_message_id: str | None = Field(None, validation_alias="callbackData")
    replied_carrier_message_id: str | None = Field(None, validation_alias="pairedMessageId")
    replied_body: str | None = None

    @classmethod
    def reports(cls, fields: Fields) -> list[Report]:
        return _reports(fields)


class InfobipReceipt(ReportedReceipt):
    gateway: ClassVar[str] = "infobip"
    max_request_bytes: ClassVar[int] = MAX_BATCH_BYTES
    credential: ClassVar[CredentialType | None] = InfobipCredential
    must_be_signed: ClassVar[bool] = False
    repeats_until_accepted: ClassVar[bool] = True

    carrier_message_id: str = Field(min_length=1, validation_alias="messageId")
    message_id: str | None = Field(None, validation_alias="callbackData")
    to: str | None = None
    sender: str | None = Field(None, validation_alias=AliasChoices("from", "sender"))
    group: str = Field(validation_alias="status.groupName")
    status_id: str = Field("", validation_alias="status.id")
    status: str = Field("", validation_alias="status.name")
    error_id: str = Field("", validation_alias="error.id")
    error: str = Field("", validation_alias="error.name")

    @classmethod
    def reports(cls, fields: Fields) -> list[Report]:
        return _reports(fields)

    def outcome(self) -> tuple[ReceiptStatus, str]:
        words = " ".join(filter(None, (self.status or self.group, self.error_id, self.error)))
        if self.status in _STILL_PENDING:
            return "pending", words
        return _GROUPS.get(self.group, "pending"), words

    def carrier_block(self) -> CarrierBlock | None:
        if self.error_id in _OPTED_OUT:
            return CarrierBlock(self.error or self.error_id)
        return CarrierBlock(self.status or self.status_id) if self.status_id == _BLOCKLISTED else None


def _reports(fields: Fields) -> list[Report]:
    """Return each reply and each receipt, whichever address they came to.

    Raises:
        WebhookError: `missing_field`: there are none.
    """
    results = each_of(fields, "results")
    if not results:
        raise WebhookError("missing_field", "the field 'results' is missing or empty; send it", field="results")
    return [Report(InfobipReceipt if "status.groupName" in result else InfobipMessage, result) for result in results]
