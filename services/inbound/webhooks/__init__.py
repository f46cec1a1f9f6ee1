"""What each gateway sends, as our events: one module a gateway, pure."""

from services.inbound.webhooks.clicksend import ClickSendMessage, ClickSendReceipt
from services.inbound.webhooks.generic import GenericMessage, GenericReceipt
from services.inbound.webhooks.reported import ReportedMessage, ReportedReceipt

MESSAGES: dict[str, type[ReportedMessage]] = {model.gateway: model for model in (ClickSendMessage, GenericMessage)}
RECEIPTS: dict[str, type[ReportedReceipt]] = {model.gateway: model for model in (ClickSendReceipt, GenericReceipt)}
