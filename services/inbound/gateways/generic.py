"""Stopline's own webhook format, for gateways without an adapter: a relay posts these fields."""

from typing import ClassVar

from pydantic import Field

from services.inbound.gateways.reported import ReceiptStatus, ReportedMessage, ReportedReceipt


class GenericMessage(ReportedMessage):
    gateway: ClassVar[str] = "generic"
    always_international: ClassVar[bool] = False  # a relay hands on what its gateway wrote
    methods: ClassVar[tuple[str, ...]] = ("POST", "GET")
    takes_multipart: ClassVar[bool] = True

    writer: str = Field(validation_alias="from", description="the person's number, E.164")
    body: str = Field("", description="the text; nothing for a picture without one")
    to: str | None = Field(None, description="the number or sender ID that was answered")
    message_id: str | None = Field(None, description="the gateway's id of this text, the same in every repetition")
    sent_at: str | None = Field(
        None, description="when it was sent: Unix time, ISO 8601 or RFC 2822; UTC where no zone is given"
    )
    replied_message_id: str | None = Field(None, description="the message_id of the message that this one answers")
    replied_carrier_message_id: str | None = Field(None, description="the gateway's id of that message")
    replied_body: str | None = Field(None, description="the text of that message")


class GenericReceipt(ReportedReceipt):
    gateway: ClassVar[str] = "generic"
    methods: ClassVar[tuple[str, ...]] = ("POST", "GET")
    takes_multipart: ClassVar[bool] = True

    carrier_message_id: str = Field(min_length=1, description="the gateway's id of the message")
    status: ReceiptStatus
    message_id: str | None = Field(None, description="the message_id that it was sent with")
    to: str | None = Field(None, description="the number that it was sent to")
    gateway_status: str = Field("", description="the gateway's own words for it")

    def outcome(self) -> tuple[ReceiptStatus, str]:
        return self.status, self.gateway_status or self.status
