"""The gateways whose API is of use here: the credential of each, its list of messages where that has texts."""

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
API_CREDENTIALS: dict[str, ApiCredentialType] = {each.model.gateway: credential for credential, each in _TYPES}
MESSAGE_LISTS: dict[str, type[MessageList]] = {each.model.gateway: each for _, each in _TYPES}
