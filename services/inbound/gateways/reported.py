"""The base of every adapter: the fields that it maps its gateway's names to, and what its webhooks mean."""

from collections.abc import Sequence
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar, Literal, NamedTuple, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from services.inbound.fields import FORM, Fields, read_fields
from services.inbound.gateways import values
from services.inbound.gateways.blocks import block_by_message, block_by_receipt
from services.inbound.gateways.credentials import CredentialType
from services.inbound.gateways.request import GatewayRequest
from services.inbound.gateways.times import given_time
from services.inbound.limits import MAX_REPORTS, MAX_REQUEST_BYTES
from services.inbound.responses import WebhookError
from shared.events.base import derived_id, format_time
from shared.events.delivery import DeliveryReceiptReceived
from shared.events.inbound import CarrierBlocked, MessageReceived
from shared.number_pools import NumberPools

ReceiptStatus = Literal["delivered", "failed", "pending"]


class CarrierBlock(NamedTuple):
    """An opt-out that the carrier itself has on record.

    `code` is the carrier's own word for it. `pool_id` is its id of what that covers, where that is more than the number
    that the message came from: a messaging service, a messaging profile, a pool.
    """

    code: str
    pool_id: str | None = None


class Report(NamedTuple):
    """A message or a receipt of a webhook: its model and its fields."""

    model: "Reported"
    fields: Fields


class GatewayWebhook(BaseModel):
    """A webhook of one gateway: the base of its message and of its receipt."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    gateway: ClassVar[str]
    methods: ClassVar[tuple[str, ...]] = ("POST",)
    """The methods that are taken: POST with a body, GET with a query, or both."""
    max_request_bytes: ClassVar[int] = MAX_REQUEST_BYTES
    takes_multipart: ClassVar[bool] = False
    """Whether a multipart form is taken too."""

    credential: ClassVar[CredentialType | None] = None
    """The type of its credentials; None: it does not sign them, and the secret path is the only proof."""
    must_be_signed: ClassVar[bool] = True
    """Whether an account needs a credential; False: the gateway signs only if one asks it to."""
    answers_in_xml: ClassVar[bool] = False
    """Whether the gateway reads the response as instructions in XML, of which there are none."""
    repeats_until_accepted: ClassVar[bool] = False
    """Whether the gateway repeats a webhook until it is answered 2xx: then one that can never be accepted is answered
    200 once its bytes are parked."""

    @classmethod
    def content(cls, request: GatewayRequest) -> tuple[str, bytes]:
        """Return the content type and the content; that is the query for a GET and for a POST without a body."""
        if request.method == "GET" or ("GET" in cls.methods and request.query and not request.body):
            return FORM, request.query
        return request.headers.get("content-type", ""), request.body

    @classmethod
    def handshake(cls, _: GatewayRequest) -> str | None:
        """Return the address whose visit confirms to the gateway that its webhooks are wanted, if it asks for one.

        It is visited once the request is verified, so the adapter must allow no address but the gateway's own.
        """
        return None

    @classmethod
    def reports(cls, fields: Fields) -> list[Report]:
        """Return each message and receipt that a webhook has; none: nothing in it is about a message.

        One, of this model, by default. Gateways that report several at once, or both kinds to one address, override it.
        """
        return [Report(cast("Reported", cls), fields)]


class ReportedMessage(GatewayWebhook):
    """A reply, as gateways report it. Only its writer is required; other fields that cannot be read count as missing.

    A reply without a text is a picture, or a body that the gateway left out: it is taken as an empty text.
    """

    always_international: ClassVar[bool]
    """Whether the gateway's numbers begin with a country code, also where no plus sign says so."""

    from_text: str
    body: str
    to: str | None
    gateway_message_id: str | None
    sent_at: str | None
    replied_message_id: str | None
    replied_carrier_message_id: str | None
    replied_body: str | None

    def part_of_text(self) -> str | None:
        """Return which part of a long text this is, if the gateway reports parts; see `MessageReceived.part`."""
        return None

    def carrier_block(self) -> CarrierBlock | None:
        """Return the opt-out that the carrier has put on record because of this message, if it says so."""
        return None

    def is_start_at_carrier(self) -> bool:
        """Say whether the carrier itself has taken this message as an opt-in."""
        return False

    def came_through(self) -> str | None:
        """Return the carrier that the message came through, where that is another than the gateway."""
        return None

    def event(self, account_id: str, now: datetime) -> MessageReceived:
        """Return the event.

        Raises:
            WebhookError: `from` is not a number, or the text is too long.
        """
        to = values.sender_number(self.to)
        phone, readings, written_phone = values.writer(
            self.from_text, to, always_international=self.always_international
        )
        gateway_id = values.gateway_id(self.gateway_message_id)
        body = values.body(self.body)
        time = given_time(self.sent_at, now)
        event_id = values.message_event_id(
            account_id=account_id, gateway=self.gateway, id_=gateway_id, phone=phone, to=to, text=body,
            written_at=format_time(time.at) if time.at else time.unusable,
        )  # fmt: skip
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
            part=self.part_of_text(),
            carrier=self.came_through(),
            is_start_at_carrier=self.is_start_at_carrier(),
            taken_by_carrier=self.carrier_block() is not None,
        )

    def blocks(self, event: MessageReceived, pools: NumberPools) -> list[CarrierBlocked]:
        """Return the event for the carrier's own block, if the carrier has taken the message as an opt-out."""
        block = self.carrier_block()
        return [block_by_message(event, *block, pools)] if block else []


class ReportedReceipt(GatewayWebhook):
    """A delivery receipt: the outcome of a message that was sent."""

    carrier_message_id: str
    message_id: str | None
    to: str | None
    sender: str | None = None
    """The number or sender ID that the message came from."""
    message_reference: int | None = None
    """See `DeliveryReceiptReceived.message_reference`."""

    def outcome(self) -> tuple[ReceiptStatus, str]:
        """Return the status, and the gateway's own words for it."""
        raise NotImplementedError

    def carrier_block(self) -> CarrierBlock | None:
        """Return the opt-out because of which the carrier did not deliver the message, if it says so."""
        return None

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
            block_code=values.short_text(block.code) if (block := self.carrier_block()) is not None else None,
            message_reference=self.message_reference,
        )

    def blocks(self, event: DeliveryReceiptReceived, pools: NumberPools) -> list[CarrierBlocked]:
        """Return the event for the carrier's own block, if the receipt reports one and says whose."""
        block = self.carrier_block()
        found = block and block_by_receipt(event, *block, values.sender_number(self.sender), pools)
        return [found] if found else []


Reported = type[ReportedMessage] | type[ReportedReceipt]
ReportedEvent = MessageReceived | DeliveryReceiptReceived | CarrierBlocked


def read_webhook(  # noqa: PLR0913, PLR0917 (a webhook, and what it is read with)
    reported: Reported,
    account_id: str,
    content_type: str,
    body: bytes,
    now: datetime,
    pools: NumberPools = MappingProxyType({}),
) -> list[ReportedEvent | WebhookError]:
    """Return what each message and receipt of a webhook means: an event, or why it can never be accepted.

    Where one reports a carrier's own block, that is one more event, for the numbers that share it in `pools`.

    The error is one of `read_fields` and `ReportedMessage.event`, or `missing_field`, `invalid` or `too_many`.
    """
    try:
        reports = reported.reports(read_fields(content_type, body, multipart=reported.takes_multipart))
    except WebhookError as error:
        return [error]
    if len(reports) > MAX_REPORTS:
        return [WebhookError("too_many", f"has {len(reports)} messages or receipts; the limit is {MAX_REPORTS}")]
    return [event for report in reports for event in events_of(report, account_id, now, pools)]


def read_listed(  # noqa: PLR0913, PLR0917 (a row, and what it is read with)
    reported: type[ReportedMessage],
    account_id: str,
    fields: Fields,
    at: str,
    now: datetime,
    pools: NumberPools = MappingProxyType({}),
) -> list[ReportedEvent | WebhookError]:
    """Return what a row of the gateway's list of messages means: the event that its webhook is, or why there is none.

    Args:
        reported: the gateway's model of a message.
        account_id: whose list it is.
        fields: the row's, by the names of the webhook.
        at: when the gateway had the message, as the row says; it counts where the webhook has no time.
        now: when the row was read.
        pools: as for `read_webhook`.
    """
    try:
        found = [event for report in reported.reports(fields) for event in events_of(report, account_id, now, pools)]
    except WebhookError as error:
        return [error]
    listed_at = given_time(at, now).at
    return [_with_listed_time(event, listed_at) if isinstance(event, MessageReceived) else event for event in found]


def _with_listed_time(event: MessageReceived, listed_at: datetime | None) -> MessageReceived:
    is_timed = event.sent_at is not None or event.unusable_sent_at is not None
    return event if is_timed else event.model_copy(update={"listed_sent_at": listed_at})


def events_of(
    report: Report, account_id: str, now: datetime, pools: NumberPools
) -> Sequence[ReportedEvent | WebhookError]:
    """Return what one report means: see `read_webhook`."""
    try:
        match report.model.model_validate(report.fields):
            case ReportedMessage() as message:
                received = message.event(account_id, now)
                return [received, *message.blocks(received, pools)]
            case ReportedReceipt() as receipt:
                outcome = receipt.event(account_id, now)
                return [outcome, *receipt.blocks(outcome, pools)]
    except ValidationError as error:
        return [_refusal(error)]
    except WebhookError as error:
        return [error]


def _refusal(error: ValidationError) -> WebhookError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = str(first["loc"][0])
    if first["type"] == "missing":
        return WebhookError("missing_field", f"the field {field!r} is missing; send it", field=field)
    return WebhookError("invalid", f"the field {field!r}: {first['msg']}", field=field)
