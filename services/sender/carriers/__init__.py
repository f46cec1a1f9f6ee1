"""Carriers: a module with `CarrierSettings` each, registered here under the name that the settings use.

A company that is a gateway too has the same name there: a START that comes in through it ends its own block.
"""

from services.sender.carriers.aws import AwsAdapter
from services.sender.carriers.carrier import CarrierSettings
from services.sender.carriers.clicksend import ClickSendAdapter
from services.sender.carriers.generic import GenericAdapter
from services.sender.carriers.plivo import PlivoAdapter
from services.sender.carriers.sinch import SinchAdapter
from services.sender.carriers.smpp import SmppSettings
from services.sender.carriers.telnyx import TelnyxAdapter
from services.sender.carriers.twilio import TwilioAdapter
from services.sender.carriers.vonage_messages import VonageMessagesAdapter
from services.sender.carriers.vonage_sms import VonageSmsAdapter

CARRIERS: dict[str, type[CarrierSettings]] = {
    "aws": AwsAdapter,
    "clicksend": ClickSendAdapter,
    "generic": GenericAdapter,
    "plivo": PlivoAdapter,
    "sinch": SinchAdapter,
    "smpp": SmppSettings,
    "telnyx": TelnyxAdapter,
    "twilio": TwilioAdapter,
    "vonage-messages": VonageMessagesAdapter,
    "vonage-sms": VonageSmsAdapter,
}
