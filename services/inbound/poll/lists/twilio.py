"""Twilio: `GET /2010-04-01/Accounts/{sid}/Messages.json`, newest first, with all that was sent among it.

A row has times, which a webhook has not: `date_created` is when Twilio had the message. The filter on the time is
documented for whole days, so that older rows are left out here, too. `To` leaves out what was sent: with the account's
numbers in `numbers` each of them is asked for by itself.
"""

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import Field, SecretStr

from services.inbound.gateways.reported import ReportedMessage
from services.inbound.gateways.times import read_time
from services.inbound.gateways.twilio import TwilioMessage
from services.inbound.poll.api_keys import ApiCredential, ApiUrl
from services.inbound.poll.client import GatewayApi
from services.inbound.poll.lists.listed import ListedMessage, fields_of, objects_in
from shared.phones import SenderNumber

_PAGE = 1_000
_INBOUND = "inbound"
_OTHER_CHANNELS = ("whatsapp:", "messenger:")
_NAMES = {
    "sid": "MessageSid",
    "from": "From",
    "to": "To",
    "body": "Body",
    "messaging_service_sid": "MessagingServiceSid",
}


class TwilioApiCredential(ApiCredential):
    """An auth token of a Twilio account, or an API key with its secret."""

    base_url: ApiUrl = "https://api.twilio.com"
    account_sid: Annotated[str, Field(pattern=r"^AC[0-9a-fA-F]{32}$")]
    auth_token: Annotated[SecretStr, Field(min_length=8)]
    """The secret of the key where `api_key` names one."""
    api_key: str | None = None
    consents_url: ApiUrl = "https://accounts.twilio.com"
    """The address of the Consent Management API, which is another host."""
    numbers: Annotated[tuple[SenderNumber, ...], Field(max_length=1_000)] = ()
    """The account's numbers that recipients write to; empty: all messages are listed, also those that were sent."""

    def headers(self) -> Mapping[str, str]:
        secret = f"{self.api_key or self.account_sid}:{self.auth_token.get_secret_value()}"
        return {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}


class TwilioList:
    """The messages of a Twilio account."""

    model: ClassVar[type[ReportedMessage]] = TwilioMessage

    async def pages(self, api: GatewayApi, since: datetime) -> AsyncIterator[Sequence[ListedMessage]]:
        credential = api.credential
        assert isinstance(credential, TwilioApiCredential)  # noqa: S101 (the registry pairs them)
        for number in credential.numbers or ("",):
            parameters: dict[str, str | int] = {"PageSize": _PAGE, "DateSent>": since.date().isoformat()}
            parameters |= {"To": number} if number else {}
            path: str | None = f"/2010-04-01/Accounts/{credential.account_sid}/Messages.json"
            while path:
                found = await api.get(path, parameters)
                rows = objects_in(found, "messages")
                recent = [row for row in rows if _is_since(row, since)]
                yield [_listed(row) for row in recent if _is_reply(row)]
                path, parameters = (found.get("next_page_uri") if len(recent) == len(rows) else None), {}

    async def done(self, api: GatewayApi, rows: Sequence[ListedMessage]) -> None:
        """Do nothing: the list stays as it is."""


def _is_reply(row: dict[str, object]) -> bool:
    """Say whether a row came in, and by a channel that has webhooks here."""
    is_another_channel = str(row.get("from", "")).startswith(_OTHER_CHANNELS)
    return row.get("direction") == _INBOUND and not is_another_channel


def _at(row: dict[str, object]) -> str:
    return str(row.get("date_created") or row.get("date_sent") or "")


def _is_since(row: dict[str, object], since: datetime) -> bool:
    """Say whether a row came since then; one whose time cannot be read may have."""
    at = read_time(_at(row))
    return at is None or at >= since


def _listed(row: dict[str, object]) -> ListedMessage:
    return ListedMessage({**fields_of(row, _NAMES), "SmsStatus": "received"}, _at(row))
