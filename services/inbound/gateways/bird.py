"""Bird's Channels API: the webhooks `sms.inbound` and `sms.outbound`, as JSON.

docs.bird.com: "Receiving messages", "Message failure codes", "Verifying a webhook subscription". The message is in
`payload`, or is the whole body where a flow forwards it. `reference` is what a message was sent with: ours are sent
with their `message_id`.
"""

from typing import ClassVar

from pydantic import AliasChoices, Field, SecretStr

from services.inbound.fields import Fields
from services.inbound.gateways.credentials import CredentialType, GatewayCredential
from services.inbound.gateways.messagebird import says_opted_out
from services.inbound.gateways.messagebird_signatures import is_bird_signature_valid
from services.inbound.gateways.reported import CarrierBlock, ReceiptStatus, Report, ReportedMessage, ReportedReceipt
from services.inbound.gateways.request import GatewayRequest
from services.inbound.responses import WebhookError

_STATUS: dict[str, ReceiptStatus] = {
    "delivered": "delivered",
    "sending_failed": "failed",
    "delivery_failed": "failed",
    "rejected": "failed",
    "skipped": "failed",
}


class BirdCredential(GatewayCredential):
    """The signing key that a webhook subscription was made with."""

    signing_key: SecretStr = Field(min_length=1)

    async def has_signed(self, request: GatewayRequest) -> bool:
        key = self.signing_key.get_secret_value()
        return is_bird_signature_valid(request.headers, request.url, request.body, key, request.received_at)


class BirdMessage(ReportedMessage):
    gateway: ClassVar[str] = "bird"
    always_international: ClassVar[bool] = True
    credential: ClassVar[CredentialType | None] = BirdCredential
    repeats_until_accepted: ClassVar[bool] = True

    from_text: str = Field(validation_alias="sender.contact.identifierValue")
    body: str = Field("", validation_alias=AliasChoices("body.text.text", "body.image.text", "body.file.text"))
    to: str | None = Field(None, validation_alias="receiver.connector.identifierValue")
    gateway_message_id: str | None = Field(None, validation_alias="id")
    sent_at: str | None = Field(None, validation_alias="createdAt")
    replied_message_id: str | None = None
    replied_carrier_message_id: str | None = Field(None, validation_alias="replyTo.id")
    replied_body: str | None = None

    @classmethod
    def reports(cls, fields: Fields) -> list[Report]:
        return _reports(fields)


class BirdReceipt(ReportedReceipt):
    gateway: ClassVar[str] = "bird"
    credential: ClassVar[CredentialType | None] = BirdCredential
    repeats_until_accepted: ClassVar[bool] = True

    carrier_message_id: str = Field(min_length=1, validation_alias="id")
    message_id: str | None = Field(None, validation_alias="reference")
    to: str | None = Field(None, validation_alias="receiver.contacts.0.identifierValue")
    sender: str | None = Field(None, validation_alias="sender.connector.identifierValue")
    status: str = Field(min_length=1)
    reason: str = ""
    failure_code: str = Field("", validation_alias="failure.code")
    source_code: str = Field("", validation_alias="failure.source.code")

    @classmethod
    def reports(cls, fields: Fields) -> list[Report]:
        return _reports(fields)

    def outcome(self) -> tuple[ReceiptStatus, str]:
        words = " ".join(filter(None, (self.status, self.failure_code, self.reason)))
        return _STATUS.get(self.status, "pending"), words

    def carrier_block(self) -> CarrierBlock | None:
        code = self.source_code or self.failure_code or self.status
        return CarrierBlock(code) if says_opted_out(self.reason) else None


def _reports(fields: Fields) -> list[Report]:
    """Return the message or the receipt, whichever address it came to.

    Raises:
        WebhookError: `not_sms`, or `not_understood`: an opt-out that Bird reports by an event of its own. Its bytes are
            parked, where an operator sees them.
    """
    event = fields.get("event", "")
    payload = {name.removeprefix("payload."): each for name, each in fields.items() if name.startswith("payload.")}
    message = payload or fields  # what is beside the payload is the webhook's own, such as an id or a time
    if event.endswith((".inbound", ".outbound")) and not event.startswith("sms."):
        raise WebhookError(
            "not_sms", f"{event!r} is not about an SMS; subscribe to the SMS channel alone", field="event"
        )
    if "opted" in event or "opt_out" in event:
        raise WebhookError(
            "not_understood",
            f"{event[:100]!r}: what Bird says in it is not documented; STOP itself comes as sms.inbound",
            field="event",
        )
    direction = event.removeprefix("sms.") or message.get("direction", "")
    if direction in ("inbound", "incoming", ""):
        return [Report(BirdMessage, message)]
    return [Report(BirdReceipt, message)] if direction in ("outbound", "outgoing") else []
