"""MessageBird's SMS API (rest.messagebird.com): replies of a number or a flow, and status reports, by GET or POST.

Numbers are international, without a plus sign. `reference` of a status report is what a message was sent with: ours are
sent with their `message_id`. A reply names no message that it answers.
"""

from typing import ClassVar

from pydantic import AliasChoices, Field, SecretStr

from services.inbound.gateways.credentials import CredentialType, GatewayCredential
from services.inbound.gateways.messagebird_signatures import (
    TOKEN_HEADER,
    is_older_signature_valid,
    is_token_valid,
)
from services.inbound.gateways.reported import CarrierBlock, ReceiptStatus, ReportedMessage, ReportedReceipt
from services.inbound.gateways.request import GatewayRequest

# developers.messagebird.com, "SMS messaging": scheduled, buffered, sent, delivered, expired, delivery_failed.
_STATUS: dict[str, ReceiptStatus] = {"delivered": "delivered", "delivery_failed": "failed", "expired": "failed"}


class MessageBirdCredential(GatewayCredential):
    """The signing key of a MessageBird account, which is not its API key."""

    signing_key: SecretStr = Field(min_length=1)

    async def has_signed(self, request: GatewayRequest) -> bool:
        key, headers, now = self.signing_key.get_secret_value(), request.headers, request.received_at
        if TOKEN_HEADER in headers:
            return is_token_valid(headers, request.url, request.body, key, now)
        return is_older_signature_valid(headers, request.query, request.body, key, now)


class MessageBirdMessage(ReportedMessage):
    gateway: ClassVar[str] = "messagebird"
    always_international: ClassVar[bool] = True
    methods: ClassVar[tuple[str, ...]] = ("POST", "GET")
    credential: ClassVar[CredentialType | None] = MessageBirdCredential
    repeats_until_accepted: ClassVar[bool] = True

    from_text: str = Field(validation_alias="originator")
    body: str = Field("", validation_alias=AliasChoices("body", "payload", "message"))
    to: str | None = Field(None, validation_alias="recipient")
    gateway_message_id: str | None = Field(None, validation_alias=AliasChoices("id", "message_id"))
    sent_at: str | None = Field(None, validation_alias=AliasChoices("createdDatetime", "createdDate"))
    replied_message_id: str | None = None
    replied_carrier_message_id: str | None = None
    replied_body: str | None = None


class MessageBirdReceipt(ReportedReceipt):
    gateway: ClassVar[str] = "messagebird"
    methods: ClassVar[tuple[str, ...]] = ("POST", "GET")
    credential: ClassVar[CredentialType | None] = MessageBirdCredential
    repeats_until_accepted: ClassVar[bool] = True

    carrier_message_id: str = Field(min_length=1, validation_alias="id")
    message_id: str | None = Field(None, validation_alias="reference")
    to: str | None = Field(None, validation_alias="recipient")
    status: str = Field(min_length=1)
    reason: str = Field("", validation_alias="statusReason")
    error_code: str = Field("", validation_alias="statusErrorCode")

    def outcome(self) -> tuple[ReceiptStatus, str]:
        words = " ".join(filter(None, (self.status, self.error_code, self.reason)))
        return _STATUS.get(self.status, "pending"), words

    def carrier_block(self) -> CarrierBlock | None:
        return CarrierBlock(self.error_code or self.reason) if says_opted_out(self.reason) else None


def says_opted_out(reason: str) -> bool:
    """Say whether the reason of a failure is that the recipient has opted out; the codes are not documented."""
    return "opted out" in reason.lower().replace("_", " ")
