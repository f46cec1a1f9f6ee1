"""Twilio: inbound messages and status callbacks, as forms or, if so set, as JSON.

Signed with the auth token (`X-Twilio-Signature`, HMAC-SHA1), or with a shared key that the header
`X-Twilio-Webhooks-Signature-Settings` names (`key=…,algorithm=HMAC_SHA256`), over the URL and the sorted fields of the
form. Where the URL has `bodySHA256`, over the URL alone: that is the hash of the body. There is no timestamp; a
repetition is recognised by its `MessageSid`. The times of messages are not reported.
"""

import hashlib
from typing import ClassVar, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import AliasChoices, Field, SecretStr, model_validator

from services.inbound.fields import Fields
from services.inbound.gateways.credentials import CredentialType, GatewayCredential, SharedSecret
from services.inbound.gateways.reported import (
    CarrierBlock,
    ReceiptStatus,
    Report,
    Reported,
    ReportedMessage,
    ReportedReceipt,
)
from services.inbound.gateways.request import GatewayRequest
from services.inbound.gateways.signatures import form_pairs, hmac_base64, same

# twilio.com/docs/messaging/guides/track-outbound-message-status: undelivered and failed are final, as delivered is;
# read is of other channels and comes after delivered.
_STATUS: dict[str, ReceiptStatus] = {
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}
_RECEIVED = frozenset(("received", "receiving"))
"""The statuses of a message that comes in, as `SmsStatus`; a receipt never has them."""
_UNSUBSCRIBED = "21610"
"""twilio.com/docs/api/errors/21610: the recipient has unsubscribed from this number or messaging service."""
_WHOLE_SID = r"^[A-Za-z]{2}[0-9a-fA-F]{32}$"
"""A signature runs names and values together: without this an old webhook could be posted again with its id cut off, or
hidden in the field before, and would be another message."""
_ALGORITHMS = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}
_PORTS = {"http": 80, "https": 443}


class TwilioCredential(GatewayCredential):
    """The auth token of a Twilio account, and its shared keys by their id."""

    auth_token: SharedSecret | None = None
    shared_keys: dict[str, SharedSecret] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_a_secret(self) -> Self:
        if self.auth_token is None and not self.shared_keys:
            raise ValueError("needs auth_token, or shared_keys by their ids")
        return self

    async def has_signed(self, request: GatewayRequest) -> bool:
        """Check as Twilio's own `RequestValidator` does, and that a named key is one of this account's."""
        key, algorithm = self._named(request.headers.get("x-twilio-webhooks-signature-settings", ""))
        fields = [] if _has_body_hash(request) else form_pairs(request)
        if key is None or algorithm is None or fields is None or not _body_is_hashed(request):
            return False
        content = "".join(name + value for name, value in sorted(set(fields)))
        given = request.headers.get("x-twilio-signature", "")
        # Twilio signs the URL sometimes with the default port in it and sometimes without.
        urls = _with_and_without_port(request.url)
        key_text = key.get_secret_value()
        return any(same(hmac_base64(key_text, (url + content).encode(), algorithm), given) for url in urls)

    def _named(self, settings: str) -> tuple[SecretStr | None, str | None]:
        """Return the key and the algorithm that the header names; without one they are those of the auth token."""
        named = dict(part.strip().partition("=")[::2] for part in settings.split(",")) if settings else {}
        algorithm = _ALGORITHMS.get(named.get("algorithm", "HMAC_SHA1").upper())
        key = self.shared_keys.get(named["key"]) if "key" in named else self.auth_token
        return key, algorithm


def _has_body_hash(request: GatewayRequest) -> bool:
    return b"bodySHA256=" in request.query and "json" in request.headers.get("content-type", "").lower()


def _body_is_hashed(request: GatewayRequest) -> bool:
    if not _has_body_hash(request):
        return True
    named = parse_qs(request.query.decode("latin-1")).get("bodySHA256", [""])[0]
    return same(hashlib.sha256(request.body).hexdigest(), named)


def _with_and_without_port(text: str) -> list[str]:
    """Return the URL in both ways; in none where its host, which the client may have named, cannot be one."""
    try:
        url = urlsplit(text)
        has_port = url.port is not None
    except ValueError:
        return []
    without = url.netloc.rpartition(":")[0] if has_port else url.netloc
    with_port = url.netloc if has_port else f"{url.netloc}:{_PORTS.get(url.scheme, 443)}"
    return [url._replace(netloc=netloc).geturl() for netloc in (with_port, without)]


class TwilioMessage(ReportedMessage):
    gateway: ClassVar[str] = "twilio"
    always_international: ClassVar[bool] = False  # Twilio writes a plus sign; digits alone are a short code
    credential: ClassVar[CredentialType] = TwilioCredential
    answers_in_xml: ClassVar[bool] = True

    from_text: str = Field(validation_alias="From")
    body: str = Field("", validation_alias="Body")
    to: str | None = Field(None, validation_alias="To")
    gateway_message_id: str | None = Field(
        pattern=_WHOLE_SID, validation_alias=AliasChoices("MessageSid", "SmsMessageSid", "SmsSid")
    )
    sent_at: str | None = None
    replied_message_id: str | None = None
    replied_carrier_message_id: str | None = Field(None, validation_alias="OriginalRepliedMessageSid")
    replied_body: str | None = None
    opt_out_type: str = Field("", validation_alias="OptOutType")
    messaging_service: str | None = Field(None, validation_alias="MessagingServiceSid")

    @classmethod
    def reports(cls, fields: Fields) -> list[Report]:
        return _reports(cls, fields)

    def carrier_block(self) -> CarrierBlock | None:
        """Return the opt-out that Twilio's Advanced Opt-Out took from this message; it has answered it, too."""
        return CarrierBlock("OptOutType STOP", self.messaging_service) if self.opt_out_type == "STOP" else None

    def is_start_at_carrier(self) -> bool:
        """Say whether Advanced Opt-Out took this message as an opt-in, perhaps by a word of the account's own there."""
        return self.opt_out_type == "START"


class TwilioReceipt(ReportedReceipt):
    gateway: ClassVar[str] = "twilio"
    credential: ClassVar[CredentialType] = TwilioCredential
    answers_in_xml: ClassVar[bool] = True

    carrier_message_id: str = Field(min_length=1, validation_alias=AliasChoices("MessageSid", "SmsSid"))
    status: str = Field(min_length=1, validation_alias=AliasChoices("MessageStatus", "SmsStatus"))
    error_code: str = Field("", validation_alias="ErrorCode")
    message_id: str | None = None
    to: str | None = Field(None, validation_alias="To")
    sender: str | None = Field(None, validation_alias="From")
    messaging_service: str | None = Field(None, validation_alias="MessagingServiceSid")

    @classmethod
    def reports(cls, fields: Fields) -> list[Report]:
        return _reports(cls, fields)

    def outcome(self) -> tuple[ReceiptStatus, str]:
        words = " ".join(filter(None, (self.status, self.error_code)))
        return _STATUS.get(self.status.lower(), "pending"), words

    def carrier_block(self) -> CarrierBlock | None:
        return CarrierBlock(self.error_code, self.messaging_service) if self.error_code == _UNSUBSCRIBED else None


def _reports(reported: Reported, fields: Fields) -> list[Report]:
    """Return the message or the receipt by its status, whichever address it came to."""
    if fields.get("MessageStatus", fields.get("SmsStatus")) in _RECEIVED:
        return [Report(TwilioMessage, fields)]
    return [Report(TwilioReceipt if "MessageStatus" in fields else reported, fields)]
