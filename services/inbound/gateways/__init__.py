"""Gateway adapters: one module per gateway turns its webhooks into our events, without I/O."""

from services.inbound.gateways.clicksend import ClickSendMessage, ClickSendReceipt
from services.inbound.gateways.generic import GenericMessage, GenericReceipt
from services.inbound.gateways.reported import ReportedMessage, ReportedReceipt

MESSAGES: dict[str, type[ReportedMessage]] = {model.gateway: model for model in (ClickSendMessage, GenericMessage)}
RECEIPTS: dict[str, type[ReportedReceipt]] = {model.gateway: model for model in (ClickSendReceipt, GenericReceipt)}
