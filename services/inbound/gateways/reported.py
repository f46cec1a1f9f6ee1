"""The base of every adapter: the request that it gets, and the fields that it maps its gateway's names to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from services.inbound.fields import FORM, read_fields
from services.inbound.gateways import values
from services.inbound.gateways.times import given_time
from services.inbound.responses import WebhookError
from shared.events.base import derived_id, format_time
from shared.events.delivery import DeliveryReceiptReceived
from shared.events.inbound import MessageReceived

ReceiptStatus = Literal["delivered", "failed", "pending"]


@dataclass(frozen=True, slots=True)
class GatewayRequest:
    """A request whose secret path is valid; `headers` ignores case, and has the first of a repeated header.

    Scheme and host are the client's own: a proxy's word for them counts only where the proxy is a trusted one.
    """

    method: str
    scheme: str
    path: str
    headers: Mapping[str, str]
    query: bytes
    body: bytes

    @property
    def url(self) -> str:
        """The whole URL as the client used it, which some gateways sign."""
        query = f"?{self.query.decode('latin-1')}" if self.query else ""
        return f"{self.scheme}://{self.headers.get('host', '')}{self.path}{query}"


class UnverifiedError(Exception):
    """A request that did not come from the gateway; it gets 401 or 404, and nothing is published or parked."""

    def __init__(self, *, status_code: int = 401) -> None:
        super().__init__("the request is not signed as this gateway signs its requests")
        self.status_code = status_code


class GatewayWebhook(BaseModel):
    """A webhook of one gateway: the base of its message and of its receipt."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    gateway: ClassVar[str]
    methods: ClassVar[tuple[str, ...]] = ("POST",)
    """The methods that are taken: POST with a body, GET with a query, or both."""
    takes_multipart: ClassVar[bool] = False
    """Whether a multipart form is taken too."""

    @classmethod
    def verify(cls, request: GatewayRequest, account_id: str) -> None:
        """Check that the gateway sent the request, by its signature for example; by default the secret path is enough.

        Raises:
            UnverifiedError: it did not.
        """

    @classmethod
    def content(cls, request: GatewayRequest) -> tuple[str, bytes]:
        """Return the content type and the content; that is the query for a GET and for a POST without a body."""
        if request.method == "GET" or ("GET" in cls.methods and request.query and not request.body):
            return FORM, request.query
        return request.headers.get("content-type", ""), request.body


class ReportedMessage(GatewayWebhook):
    """A reply, as gateways report it. Only its writer is required; other fields that cannot be read count as missing.

    A reply without a text is a picture, or a body that the gateway left out: it is taken as an empty text.
    """

    always_international: ClassVar[bool]
    """Whether the gateway's numbers begin with a country code, also where no plus sign says so."""

    writer: str
    body: str
    to: str | None
    message_id: str | None
    sent_at: str | None
    replied_message_id: str | None
    replied_carrier_message_id: str | None
    replied_body: str | None

    def event(self, account_id: str, now: datetime) -> MessageReceived:
        """Return the event.

        Raises:
            WebhookError: `from` is not a number, or the text is too long.
        """
        to = values.sender_number(self.to)
        phone, readings, written_phone = values.writer(self.writer, to, always_international=self.always_international)
        gateway_id = values.gateway_id(self.message_id)
        body = values.body(self.body)
        time = given_time(self.sent_at, now)
        event_id = values.message_event_id(
            account_id=account_id,
            gateway=self.gateway,
            id_=gateway_id,
            written_at=format_time(time.at) if time.at else time.unusable,
            phone=phone,
            to=to,
            text=body,
        )
        return MessageReceived(
            event_id=event_id,
            occurred_at=now,
            account_id=account_id,
            gateway=self.gateway,
            gateway_message_id=gateway_id,
            phone=phone,
            readings=readings,
            written_phone=written_phone,
            sender_number=to,
            body=body,
            replied_message_id=values.message_id(self.replied_message_id),
            replied_carrier_message_id=values.gateway_id(self.replied_carrier_message_id),
            replied_body=values.replied_body(self.replied_body),
            sent_at=time.at,
            unusable_sent_at=time.unusable,
        )


class ReportedReceipt(GatewayWebhook):
    """A delivery receipt: the outcome of a message that was sent."""

    carrier_message_id: str
    message_id: str | None
    to: str | None

    def outcome(self) -> tuple[ReceiptStatus, str]:
        """Return the status, and the gateway's own words for it."""
        raise NotImplementedError

    def event(self, account_id: str, now: datetime) -> DeliveryReceiptReceived:
        """Return the event; a receipt that is repeated is the same event."""
        status, gateway_status = self.outcome()
        cause = "|".join(
            (account_id, self.gateway, self.carrier_message_id, self.message_id or "", self.to or "", status,
             gateway_status)
        )  # fmt: skip
        return DeliveryReceiptReceived(
            event_id=derived_id(cause, "delivery_receipt_received"),
            occurred_at=now,
            account_id=account_id,
            gateway=self.gateway,
            carrier_message_id=values.short_text(self.carrier_message_id),
            message_id=values.message_id(self.message_id),
            phone=values.optional_phone(self.to),
            status=status,
            gateway_status=values.short_text(gateway_status),
        )


Reported = type[ReportedMessage] | type[ReportedReceipt]


def read_event(
    reported: Reported, account_id: str, content_type: str, body: bytes, now: datetime
) -> MessageReceived | DeliveryReceiptReceived:
    """Return the event that a webhook means.

    Raises:
        WebhookError: see `read_fields` and `ReportedMessage.event`; also `missing_field` and `invalid`.
    """
    fields = read_fields(content_type, body, multipart=reported.takes_multipart)
    try:
        webhook = reported.model_validate(fields)
    except ValidationError as error:
        raise _refusal(error) from None
    return webhook.event(account_id, now)


def _refusal(error: ValidationError) -> WebhookError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = str(first["loc"][0])
    if first["type"] == "missing":
        return WebhookError("missing_field", f"the field {field!r} is missing; send it", field=field)
    return WebhookError("invalid", f"the field {field!r}: {first['msg']}", field=field)
