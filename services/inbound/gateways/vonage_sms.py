"""Vonage SMS API: inbound SMS and delivery receipts, as form, JSON or query.

Signed only if Vonage's support has turned that on: `sig` is a hash or an HMAC over the other fields, sorted, with
`timestamp` and `nonce` among them. Then every webhook must have it; without it the secret path is the only proof, so
an account that has no credential is not refused. Vonage repeats a webhook for 24 hours until it is answered 200 or 204.

A long text arrives in parts, a webhook each (`concat`, `concat-ref`, `concat-part`, `concat-total`).
"""

import hashlib
from typing import ClassVar, Literal

from pydantic import Field

from services.inbound.fields import Fields, read_fields
from services.inbound.gateways import values
from services.inbound.gateways.credentials import CredentialType, GatewayCredential, SharedSecret, is_fresh
from services.inbound.gateways.reported import CarrierBlock, ReceiptStatus, Report, ReportedMessage, ReportedReceipt
from services.inbound.gateways.request import GatewayRequest
from services.inbound.gateways.signatures import hmac_hex, same
from services.inbound.responses import WebhookError

# developer.vonage.com, "Delivery receipts": accepted and buffered are on their way, unknown may still be delivered.
_STATUS: dict[str, ReceiptStatus] = {
    "delivered": "delivered",
    "expired": "failed",
    "failed": "failed",
    "rejected": "failed",
}
_OPTED_OUT = "9"
"""developer.vonage.com, "Messaging opted-out numbers": from the number that the message came from."""
REPEATED_FOR_SECONDS = 24 * 3600
"""Whether a repetition has a new signature is not documented."""
VonageMethod = Literal["md5hash", "md5", "sha1", "sha256", "sha512"]


class VonageSmsCredential(GatewayCredential):
    """A signature secret of a Vonage account, and the method that its settings name: a hash, or an HMAC."""

    signature_secret: SharedSecret
    method: VonageMethod

    async def has_signed(self, request: GatewayRequest) -> bool:
        try:
            fields = read_fields(*VonageSmsMessage.content(request))
        except WebhookError:
            return False
        if any("&" in name or "=" in name for name in fields):
            return False  # a name that hides another field: with the id or the time gone it would be another message
        given = fields.pop("sig", "").lower()
        timestamp = fields.get("timestamp", "")
        is_recent = is_fresh(timestamp, request.received_at, repeated_for_seconds=REPEATED_FOR_SECONDS)
        return is_recent and same(self._signature(fields), given)

    def _signature(self, fields: Fields) -> str:
        signed = "".join(f"&{name}={_without_separators(value)}" for name, value in sorted(fields.items()))
        secret = self.signature_secret.get_secret_value()
        if self.method == "md5hash":
            return hashlib.md5(f"{signed}{secret}".encode(), usedforsecurity=False).hexdigest()
        return hmac_hex(secret, signed.encode(), self.method)


def _without_separators(value: str) -> str:
    return value.replace("&", "_").replace("=", "_")


class VonageSmsMessage(ReportedMessage):
    gateway: ClassVar[str] = "vonage-sms"
    always_international: ClassVar[bool] = True
    methods: ClassVar[tuple[str, ...]] = ("POST", "GET")
    credential: ClassVar[CredentialType] = VonageSmsCredential
    must_be_signed: ClassVar[bool] = False
    repeats_until_accepted: ClassVar[bool] = True

    from_text: str = Field(validation_alias="msisdn")
    body: str = Field("", validation_alias="text")
    to: str | None = None
    gateway_message_id: str | None = Field(None, validation_alias="messageId")
    sent_at: str | None = Field(None, validation_alias="message-timestamp")
    replied_message_id: str | None = None
    replied_carrier_message_id: str | None = None
    replied_body: str | None = None
    is_part: str = Field("", validation_alias="concat")
    reference: str = Field("", validation_alias="concat-ref")
    part_number: str = Field("", validation_alias="concat-part")
    parts: str = Field("", validation_alias="concat-total")

    @classmethod
    def reports(cls, fields: Fields) -> list[Report]:
        """Return the message; or the receipt, if that came to the address of messages: it has a status and no text."""
        return [Report(VonageSmsReceipt if "status" in fields and "text" not in fields else cls, fields)]

    def part_of_text(self) -> str | None:
        if self.is_part.lower() != "true" and not self.reference:
            return None
        return values.short_text(f"{self.part_number}/{self.parts} of {self.reference}")


class VonageSmsReceipt(ReportedReceipt):
    gateway: ClassVar[str] = "vonage-sms"
    methods: ClassVar[tuple[str, ...]] = ("POST", "GET")
    credential: ClassVar[CredentialType] = VonageSmsCredential
    must_be_signed: ClassVar[bool] = False
    repeats_until_accepted: ClassVar[bool] = True

    carrier_message_id: str = Field(min_length=1, validation_alias="messageId")
    status: str = Field(min_length=1)
    error_code: str = Field("", validation_alias="err-code")
    message_id: str | None = Field(None, validation_alias="client-ref")
    to: str | None = Field(None, validation_alias="msisdn")
    sender: str | None = Field(None, validation_alias="to")

    def outcome(self) -> tuple[ReceiptStatus, str]:
        words = " ".join(filter(None, (self.status, self.error_code)))
        return _STATUS.get(self.status, "pending"), words

    def carrier_block(self) -> CarrierBlock | None:
        is_blocked = self.error_code == _OPTED_OUT and self.outcome()[0] == "failed"
        return CarrierBlock(f"err-code {self.error_code}") if is_blocked else None
