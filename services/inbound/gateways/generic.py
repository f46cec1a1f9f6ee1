"""Stopline's own webhook format, for gateways without an adapter: a relay posts these fields.

An account with a credential takes only what is signed as Standard Webhooks says (standardwebhooks.com): that signs a
body, so its fields cannot be in a query.
"""

import hashlib
import hmac
from typing import ClassVar

from pydantic import Field, SecretStr, field_validator

from services.inbound.gateways import values
from services.inbound.gateways.credentials import CredentialType, GatewayCredential, is_fresh
from services.inbound.gateways.encodings import decoded_base64
from services.inbound.gateways.reported import CarrierBlock, ReceiptStatus, ReportedMessage, ReportedReceipt
from services.inbound.gateways.request import GatewayRequest

_PREFIX = "whsec_"
_MIN_KEY_BYTES = 24
"""As Standard Webhooks asks."""


class GenericCredential(GatewayCredential):
    """A secret of Standard Webhooks: base64, with or without `whsec_` before it."""

    secret: SecretStr

    @field_validator("secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr) -> SecretStr:
        if len(_key(secret)) < _MIN_KEY_BYTES:
            raise ValueError(f"must be base64 of at least {_MIN_KEY_BYTES} bytes")
        return secret

    async def has_signed(self, request: GatewayRequest) -> bool:
        id_, timestamp = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
        if not request.body or not id_ or not is_fresh(timestamp, request.received_at):
            return False
        signed = b".".join((id_.encode(), timestamp.encode(), request.body))
        expected = hmac.digest(_key(self.secret), signed, hashlib.sha256)
        given = (each.partition(",") for each in request.headers.get("webhook-signature", "").split(" "))
        matches = [
            hmac.compare_digest(expected, decoded_base64(value)) for version, _, value in given if version == "v1"
        ]
        return any(matches)


def _key(secret: SecretStr) -> bytes:
    text = secret.get_secret_value().removeprefix(_PREFIX)
    return decoded_base64(text + "=" * (-len(text) % 4))


class GenericMessage(ReportedMessage):
    gateway: ClassVar[str] = "generic"
    always_international: ClassVar[bool] = False  # a relay hands on what its gateway wrote
    methods: ClassVar[tuple[str, ...]] = ("POST", "GET")
    takes_multipart: ClassVar[bool] = True
    credential: ClassVar[CredentialType | None] = GenericCredential
    must_be_signed: ClassVar[bool] = False

    from_text: str = Field(validation_alias="from", description="the person's number, E.164")
    body: str = Field("", description="the text; nothing for a picture without one")
    to: str | None = Field(None, description="the number or sender ID that was answered")
    gateway_message_id: str | None = Field(
        None, validation_alias="message_id", description="the gateway's id of this text, the same in every repetition"
    )
    sent_at: str | None = Field(
        None, description="when it was sent: Unix time, ISO 8601 or RFC 2822; UTC where no zone is given"
    )
    replied_message_id: str | None = Field(None, description="the message_id of the message that this one answers")
    replied_carrier_message_id: str | None = Field(None, description="the gateway's id of that message")
    replied_body: str | None = Field(None, description="the text of that message")
    carrier: str | None = Field(
        None,
        description="the carrier that the relay has it from, by its name in STOPLINE_CARRIER: a START ends its block",
    )

    def came_through(self) -> str | None:
        return values.gateway_id(self.carrier)


class GenericReceipt(ReportedReceipt):
    gateway: ClassVar[str] = "generic"
    methods: ClassVar[tuple[str, ...]] = ("POST", "GET")
    takes_multipart: ClassVar[bool] = True
    credential: ClassVar[CredentialType | None] = GenericCredential
    must_be_signed: ClassVar[bool] = False

    carrier_message_id: str = Field(min_length=1, description="the gateway's id of the message")
    status: ReceiptStatus
    message_id: str | None = Field(None, description="the message_id that it was sent with")
    to: str | None = Field(None, description="the number that it was sent to")
    sender: str | None = Field(None, validation_alias="from", description="the number or sender ID that it came from")
    gateway_status: str = Field("", description="the gateway's own words for it")
    block_code: str = Field(
        "", description="the carrier's code, where it did not deliver because the recipient has opted out with it"
    )

    def carrier_block(self) -> CarrierBlock | None:
        return CarrierBlock(values.short_text(self.block_code)) if self.block_code else None

    def outcome(self) -> tuple[ReceiptStatus, str]:
        return self.status, self.gateway_status or self.status
