"""The gateways whose API is of use here: the credential of each, its list of messages, its own record of opt-outs."""

from services.inbound.carrier_lists.choices import (
    AwsListOptions,
    ClickSendListOptions,
    ListOptions,
    TelnyxListOptions,
    TwilioListOptions,
)
from services.inbound.carrier_lists.credentials import AwsApiCredential, TelnyxApiCredential
from services.inbound.gateways.aws import AwsMessage
from services.inbound.gateways.telnyx import TelnyxMessage
from services.inbound.poll.api_keys import ApiCredentialType
from services.inbound.poll.lists.clicksend import ClickSendApiCredential, ClickSendList
from services.inbound.poll.lists.listed import MessageList
from services.inbound.poll.lists.messagebird import MessageBirdApiCredential, MessageBirdList
from services.inbound.poll.lists.sinch import SinchApiCredential, SinchList
from services.inbound.poll.lists.twilio import TwilioApiCredential, TwilioList

_TYPES: tuple[tuple[ApiCredentialType, type[MessageList]], ...] = (
    (ClickSendApiCredential, ClickSendList),
    (MessageBirdApiCredential, MessageBirdList),
    (SinchApiCredential, SinchList),
    (TwilioApiCredential, TwilioList),
)
_FOR_OPT_OUTS_ALONE: dict[str, ApiCredentialType] = {
    AwsMessage.gateway: AwsApiCredential,
    TelnyxMessage.gateway: TelnyxApiCredential,
}
API_CREDENTIALS: dict[str, ApiCredentialType] = {
    **{each.model.gateway: credential for credential, each in _TYPES},
    **_FOR_OPT_OUTS_ALONE,
}
MESSAGE_LISTS: dict[str, type[MessageList]] = {each.model.gateway: each for _, each in _TYPES}
LIST_OPTIONS: dict[str, type[ListOptions]] = {
    AwsMessage.gateway: AwsListOptions,
    ClickSendList.model.gateway: ClickSendListOptions,
    TelnyxMessage.gateway: TelnyxListOptions,
    TwilioList.model.gateway: TwilioListOptions,
}
