"""AWS End User Messaging SMS: replies (two-way SMS) and delivery events of a configuration set, by Amazon SNS.

docs.aws.amazon.com/sms-voice: "Example of a two-way SMS message payload", "Event types for SMS, MMS, and voice". SNS
has them as text in `Message`; a reply has no time of its own, and SNS's is the nearest. `context.message_id` is what a
message was sent with: ours are sent with their `message_id`.
"""

import logging
from typing import ClassVar

from pydantic import Field

from services.inbound.fields import Fields, read_fields
from services.inbound.gateways.credentials import CredentialType, GatewayCredential
from services.inbound.gateways.reported import CarrierBlock, ReceiptStatus, Report, ReportedMessage, ReportedReceipt
from services.inbound.gateways.request import GatewayRequest
from services.inbound.gateways.sns import (
    certificate_address,
    is_recent_post,
    is_signed,
    read_post,
    subscribe_address,
)
from shared.errors import TransientError

log = logging.getLogger(__name__)
_STATUS: dict[str, ReceiptStatus] = {
    "DELIVERED": "delivered",
    "SUCCESSFUL": "delivered",  # AWS uses both for the same, depending on the country
    "READ": "delivered",
    "QUEUED": "pending",
    "PENDING": "pending",
    "SENT": "pending",
    "UNKNOWN": "pending",
    "FALLEN_BACK_TO_SMS": "pending",
}
"""By what follows TEXT_, MEDIA_ or RCS_; everything else is a failure."""
_KINDS = ("TEXT_", "MEDIA_", "RCS_")


class AwsCredential(GatewayCredential):
    """A topic of SNS that may post to the account's addresses; SNS itself is known by its certificate."""

    topic_arn: str = Field(pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]{1,256}$")

    async def has_signed(self, request: GatewayRequest) -> bool:
        post = read_post(request.body)
        if post is None or post.topic_arn != self.topic_arn or not is_recent_post(post, request.received_at):
            return False
        address = certificate_address(post)
        if address is None:
            return False
        certificate = await request.certificate(address)
        if certificate is None:
            # SNS does not post again after a 4xx, and a proxy on the way may have kept its certificate from us.
            raise TransientError("there is no certificate where the post says that SNS has one")
        return is_signed(post, certificate, request.received_at)


class AwsMessage(ReportedMessage):
    gateway: ClassVar[str] = "aws"
    always_international: ClassVar[bool] = True
    credential: ClassVar[CredentialType | None] = AwsCredential

    from_text: str = Field(validation_alias="originationNumber")
    body: str = Field("", validation_alias="messageBody")
    to: str | None = Field(None, validation_alias="destinationNumber")
    gateway_message_id: str | None = Field(None, validation_alias="inboundMessageId")
    sent_at: str | None = Field(None, validation_alias="Timestamp")
    replied_message_id: str | None = None
    replied_carrier_message_id: str | None = Field(None, validation_alias="previousPublishedMessageId")
    replied_body: str | None = None

    @classmethod
    def reports(cls, fields: Fields) -> list[Report]:
        return _reports(fields)

    @classmethod
    def handshake(cls, request: GatewayRequest) -> str | None:
        return _handshake(request)


class AwsReceipt(ReportedReceipt):
    gateway: ClassVar[str] = "aws"
    credential: ClassVar[CredentialType | None] = AwsCredential

    carrier_message_id: str = Field(min_length=1, validation_alias="messageId")
    message_id: str | None = Field(None, validation_alias="context.message_id")
    to: str | None = Field(None, validation_alias="destinationPhoneNumber")
    sender: str | None = Field(None, validation_alias="originationPhoneNumber")
    event_type: str = Field(validation_alias="eventType")
    description: str = Field("", validation_alias="messageStatusDescription")

    @classmethod
    def reports(cls, fields: Fields) -> list[Report]:
        return _reports(fields)

    @classmethod
    def handshake(cls, request: GatewayRequest) -> str | None:
        return _handshake(request)

    def outcome(self) -> tuple[ReceiptStatus, str]:
        _, _, status = self.event_type.partition("_")
        return _STATUS.get(status, "failed"), f"{self.event_type} {self.description}".strip()

    def carrier_block(self) -> CarrierBlock | None:
        return CarrierBlock(self.event_type) if "opted out" in self.description.lower() else None


def _reports(fields: Fields) -> list[Report]:
    """Return the reply or the receipt in a notification, whichever address it came to.

    Raises:
        WebhookError: see `read_fields`.
    """
    if fields.get("Type") != "Notification":
        return []
    inner = read_fields("application/json", fields.get("Message", "").encode())
    if "eventType" in inner:
        return [Report(AwsReceipt, inner)] if inner["eventType"].startswith(_KINDS) else []
    return [Report(AwsMessage, {**inner, "Timestamp": fields.get("Timestamp", "")})]


def _handshake(request: GatewayRequest) -> str | None:
    post = read_post(request.body)
    if post is None:
        return None
    if post.type == "UnsubscribeConfirmation":
        log.error("the subscription of an address to %s has ended: SNS posts no more replies there", post.topic_arn)
    return subscribe_address(post)
