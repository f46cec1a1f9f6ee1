"""From a webhook's bytes to our event, or to the reason why it is refused."""

from datetime import datetime

from pydantic import ValidationError

from services.inbound.errors import WebhookError
from services.inbound.fields import read_fields
from services.inbound.gateways.reported import ReportedMessage, ReportedReceipt
from shared.events.delivery import DeliveryReceiptReceived
from shared.events.inbound import MessageReceived

Reported = type[ReportedMessage] | type[ReportedReceipt]


def read_event(
    reported: Reported, account_id: str, content_type: str, body: bytes, now: datetime
) -> MessageReceived | DeliveryReceiptReceived:
    """Return the event that a webhook means.

    Raises:
        WebhookError: see `read_fields` and `ReportedMessage.event`; also `missing_field` and `invalid`.
    """
    fields = read_fields(content_type, body, multipart=reported.takes_any_form)
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
