"""Telnyx (API v2): `message.received`, `message.sent` and `message.finalized`, as JSON.

A messaging profile has one address for them all, so both of ours take all of them. Signed with Ed25519
(`telnyx-signature-ed25519`) over `timestamp|body`; the public key is the account's. Telnyx tries an address three times
and then the failover address.
"""

from functools import cached_property
from typing import Any, ClassVar

from nacl.exceptions import CryptoError
from nacl.signing import VerifyKey
from pydantic import AliasChoices, Field, field_validator

from services.inbound.fields import Fields, each_of
from services.inbound.gateways.credentials import CredentialType, GatewayCredential, is_fresh
from services.inbound.gateways.encodings import decoded_base64
from services.inbound.gateways.reported import CarrierBlock, ReceiptStatus, Report, ReportedMessage, ReportedReceipt
from services.inbound.gateways.request import GatewayRequest

_KEY_BYTES = 32
_PAYLOAD = "data.payload."
_RECEIVED = "message.received"
_ABOUT_SENT = ("message.sent", "message.finalized")
# developers.telnyx.com, "Receiving webhooks": the statuses of a recipient in `to`.
_STATUS: dict[str, ReceiptStatus] = {
    "delivered": "delivered",
    "sending_failed": "failed",
    "delivery_failed": "failed",
}
_BLOCKED_BY_STOP = "40300"
"""developers.telnyx.com, "Messaging error codes": blocked due to a STOP message; it covers the messaging profile."""


class TelnyxCredential(GatewayCredential):
    """The public key of a Telnyx account, in Base64 as its portal shows it."""

    public_key: str

    @field_validator("public_key")
    @classmethod
    def _is_a_key(cls, given: str) -> str:
        if len(decoded_base64(given)) != _KEY_BYTES:
            raise ValueError(f"is not a public key: {_KEY_BYTES} bytes in Base64")
        return given

    @cached_property
    def _key(self) -> VerifyKey:
        """The key of libsodium, which takes half of OpenSSL's time: as much as all the rest of a webhook."""
        return VerifyKey(decoded_base64(self.public_key))

    async def has_signed(self, request: GatewayRequest) -> bool:
        timestamp = request.headers.get("telnyx-timestamp", "")
        if not is_fresh(timestamp, request.received_at):
            return False
        signature = decoded_base64(request.headers.get("telnyx-signature-ed25519", ""))
        try:
            self._key.verify(f"{timestamp}|".encode() + request.body, signature)
        except CryptoError:
            return False
        return True


def _reports(fields: Fields) -> list[Report]:
    """Return the message, or a receipt for each recipient; none for other events, such as a number's order."""
    event_type = fields.get("data.event_type", _RECEIVED)
    if event_type == _RECEIVED:
        return [Report(TelnyxMessage, fields)]
    if event_type not in _ABOUT_SENT:
        return []
    recipients = each_of(fields, f"{_PAYLOAD}to") or [{}]
    errors = each_of(fields, f"{_PAYLOAD}errors") or [{}]
    error = next((each for each in errors if each.get("code") == _BLOCKED_BY_STOP), errors[0])
    common = {name: value for name, value in fields.items() if not name.startswith(f"{_PAYLOAD}to.")}
    return [Report(TelnyxReceipt, {**common, **error, **recipient}) for recipient in recipients]


def _in_payload(name: str) -> Any:
    return Field(None, validation_alias=_PAYLOAD + name)


class TelnyxMessage(ReportedMessage):
    gateway: ClassVar[str] = "telnyx"
    always_international: ClassVar[bool] = False  # Telnyx writes a plus sign; digits alone are a short code
    credential: ClassVar[CredentialType] = TelnyxCredential
    repeats_until_accepted: ClassVar[bool] = True

    from_text: str = Field(validation_alias=f"{_PAYLOAD}from.phone_number")
    body: str = Field("", validation_alias=f"{_PAYLOAD}text")
    to: str | None = _in_payload("to.0.phone_number")
    gateway_message_id: str | None = _in_payload("id")
    sent_at: str | None = Field(None, validation_alias=AliasChoices(f"{_PAYLOAD}received_at", "data.occurred_at"))
    replied_message_id: str | None = None
    replied_carrier_message_id: str | None = None
    replied_body: str | None = None
    autoresponse_type: str = Field("", validation_alias=f"{_PAYLOAD}autoresponse_type")
    messaging_profile: str | None = _in_payload("messaging_profile_id")

    @classmethod
    def reports(cls, fields: Fields) -> list[Report]:
        return _reports(fields)

    def carrier_block(self) -> CarrierBlock | None:
        """Return the opt-out that Telnyx took from this message; it may have answered it, too."""
        is_stop = self.autoresponse_type.upper() == "STOP"
        return CarrierBlock("autoresponse_type STOP", self.messaging_profile) if is_stop else None

    def is_start_at_carrier(self) -> bool:
        """Say whether Telnyx took this message as an opt-in, perhaps by a word of the account's own there."""
        return self.autoresponse_type.upper() == "START"


class TelnyxReceipt(ReportedReceipt):
    gateway: ClassVar[str] = "telnyx"
    credential: ClassVar[CredentialType] = TelnyxCredential
    repeats_until_accepted: ClassVar[bool] = True

    carrier_message_id: str = Field(min_length=1, validation_alias=f"{_PAYLOAD}id")
    status: str = Field(min_length=1)
    error_code: str = Field("", validation_alias="code")
    error_title: str = Field("", validation_alias="title")
    message_id: str | None = None
    to: str | None = Field(None, validation_alias="phone_number")
    sender: str | None = _in_payload("from.phone_number")
    messaging_profile: str | None = _in_payload("messaging_profile_id")

    @classmethod
    def reports(cls, fields: Fields) -> list[Report]:
        return _reports(fields)

    def outcome(self) -> tuple[ReceiptStatus, str]:
        words = " ".join(filter(None, (self.status, self.error_code, self.error_title)))
        return _STATUS.get(self.status, "pending"), words

    def carrier_block(self) -> CarrierBlock | None:
        is_blocked = self.error_code == _BLOCKED_BY_STOP and self.outcome()[0] == "failed"
        return CarrierBlock(self.error_code, self.messaging_profile) if is_blocked else None
