"""Gateway adapters: one module per gateway turns its webhooks into our events, without I/O.

To add a gateway, write its module and add its two models to `_GATEWAYS`.
"""

from services.inbound.gateways.aws import AwsMessage, AwsReceipt
from services.inbound.gateways.bird import BirdMessage, BirdReceipt
from services.inbound.gateways.clicksend import ClickSendMessage, ClickSendReceipt
from services.inbound.gateways.credentials import CredentialType
from services.inbound.gateways.generic import GenericMessage, GenericReceipt
from services.inbound.gateways.infobip import InfobipMessage, InfobipReceipt
from services.inbound.gateways.messagebird import MessageBirdMessage, MessageBirdReceipt
from services.inbound.gateways.plivo import PlivoMessage, PlivoReceipt
from services.inbound.gateways.reported import ReportedMessage, ReportedReceipt
from services.inbound.gateways.sinch import SinchMessage, SinchReceipt
from services.inbound.gateways.telnyx import TelnyxMessage, TelnyxReceipt
from services.inbound.gateways.twilio import TwilioMessage, TwilioReceipt
from services.inbound.gateways.vonage_messages import VonageMessage, VonageReceipt
from services.inbound.gateways.vonage_sms import VonageSmsMessage, VonageSmsReceipt

_GATEWAYS: tuple[tuple[type[ReportedMessage], type[ReportedReceipt]], ...] = (
    (AwsMessage, AwsReceipt),
    (BirdMessage, BirdReceipt),
    (ClickSendMessage, ClickSendReceipt),
    (GenericMessage, GenericReceipt),
    (InfobipMessage, InfobipReceipt),
    (MessageBirdMessage, MessageBirdReceipt),
    (SinchMessage, SinchReceipt),
    (PlivoMessage, PlivoReceipt),
    (TelnyxMessage, TelnyxReceipt),
    (TwilioMessage, TwilioReceipt),
    (VonageMessage, VonageReceipt),
    (VonageSmsMessage, VonageSmsReceipt),
)
MESSAGES = {message.gateway: message for message, _ in _GATEWAYS}
RECEIPTS = {receipt.gateway: receipt for _, receipt in _GATEWAYS}
CREDENTIALS: dict[str, CredentialType] = {
    message.gateway: message.credential for message, _ in _GATEWAYS if message.credential is not None
}
MAY_BE_UNSIGNED = frozenset(
    message.gateway for message, _ in _GATEWAYS if message.credential is None or not message.must_be_signed
)
