"""Vonage Messages API: inbound SMS and message statuses, as JSON.

Signed with a JWT (`Authorization: Bearer`, HS256 with the account's signature secret). Its `payload_hash` is the
SHA-256 of the body and its `iat` the time. Vonage repeats a webhook for 24 hours until it is answered 2xx. It joins
long texts itself.
"""

import hashlib
from typing import ClassVar

from pydantic import AliasChoices, Field

from services.inbound.fields import Fields
from services.inbound.gateways.credentials import CredentialType, GatewayCredential, SharedSecret, is_fresh
from services.inbound.gateways.json_web_tokens import verified_claims
from services.inbound.gateways.reported import CarrierBlock, ReceiptStatus, Report, ReportedMessage, ReportedReceipt
from services.inbound.gateways.request import GatewayRequest
from services.inbound.gateways.signatures import same
from services.inbound.gateways.vonage_sms import REPEATED_FOR_SECONDS

_CHANNEL = "sms"
# developer.vonage.com, "Messages API status callbacks".
_STATUS: dict[str, ReceiptStatus] = {
    "delivered": "delivered",
    "read": "delivered",
    "rejected": "failed",
    "undeliverable": "failed",
    "failed": "failed",
}
_OPTED_OUT = "1240"
"""The Messages API's "Illegal Number", which the SMS API calls err-code 9."""


class VonageMessagesCredential(GatewayCredential):
    """A signature secret of a Vonage account, and the account's API key, which the JWT names."""

    signature_secret: SharedSecret
    api_key: str = Field(min_length=1)

    async def has_signed(self, request: GatewayRequest) -> bool:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return False
        claims = verified_claims(token.strip(), self.signature_secret.get_secret_value().encode(), ("HS256",))
        if claims is None:
            return False
        hashed = hashlib.sha256(request.body).hexdigest()
        return (
            is_fresh(str(claims.get("iat", "")), request.received_at, repeated_for_seconds=REPEATED_FOR_SECONDS)
            and same(hashed, str(claims.get("payload_hash", "")).lower())
            and same(self.api_key, str(claims.get("api_key", "")))
        )


class VonageMessage(ReportedMessage):
    gateway: ClassVar[str] = "vonage-messages"
    always_international: ClassVar[bool] = True
    credential: ClassVar[CredentialType] = VonageMessagesCredential
    repeats_until_accepted: ClassVar[bool] = True

    from_text: str = Field(validation_alias=AliasChoices("from", "from.number"))
    body: str = Field("", validation_alias=AliasChoices("text", "message.content.text"))
    to: str | None = Field(None, validation_alias=AliasChoices("to", "to.number"))
    gateway_message_id: str | None = Field(None, validation_alias="message_uuid")
    sent_at: str | None = Field(None, validation_alias="timestamp")
    replied_message_id: str | None = None
    replied_carrier_message_id: str | None = Field(None, validation_alias="context.message_uuid")
    replied_body: str | None = None

    @classmethod
    def reports(cls, fields: Fields) -> list[Report]:
        """Return the message, or a status that came to its address; none of another channel, such as WhatsApp."""
        is_status = "status" in fields and "text" not in fields
        return [Report(VonageReceipt if is_status else cls, fields)] if _is_sms(fields) else []


class VonageReceipt(ReportedReceipt):
    gateway: ClassVar[str] = "vonage-messages"
    credential: ClassVar[CredentialType] = VonageMessagesCredential
    repeats_until_accepted: ClassVar[bool] = True

    carrier_message_id: str = Field(min_length=1, validation_alias="message_uuid")
    status: str = Field(min_length=1)
    error_type: str = Field("", validation_alias=AliasChoices("error.type", "error.code"))
    error_detail: str = Field("", validation_alias=AliasChoices("error.detail", "error.reason"))
    message_id: str | None = Field(None, validation_alias="client_ref")
    to: str | None = Field(None, validation_alias=AliasChoices("to", "to.number"))
    sender: str | None = Field(None, validation_alias=AliasChoices("from", "from.number"))

    @classmethod
    def reports(cls, fields: Fields) -> list[Report]:
        """Return the status, unless it is of another channel."""
        return [Report(cls, fields)] if _is_sms(fields) else []

    @property
    def error_code(self) -> str:
        """The error's number: its type is an address that ends with it, or the number itself."""
        return self.error_type.rpartition("#")[2].rpartition("/")[2]

    def outcome(self) -> tuple[ReceiptStatus, str]:
        words = " ".join(filter(None, (self.status, self.error_code, self.error_detail)))
        return _STATUS.get(self.status, "pending"), words

    def carrier_block(self) -> CarrierBlock | None:
        is_blocked = self.error_code == _OPTED_OUT and self.outcome()[0] == "failed"
        return CarrierBlock(self.error_code) if is_blocked else None


def _is_sms(fields: Fields) -> bool:
    """Return whether the channel is SMS, or not named, as in older statuses."""
    return fields.get("channel", fields.get("from.type", _CHANNEL)) == _CHANNEL
