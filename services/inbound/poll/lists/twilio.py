"""Twilio: `GET /2010-04-01/Accounts/{sid}/Messages.json`, newest first, with all that was sent among it.

A row has times, which a webhook has not: `date_created` is when Twilio had the message. The filter on the time is
documented for whole days, so that older rows are left out here, too: the list has come to its end with a page of them
alone, because a message that waited to be sent is listed by when it was sent. `To` leaves out what was sent: with the
account's numbers in `numbers` each of them is asked for by itself.
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
from services.inbound.poll.client import GatewayApi, GatewayApiError
from services.inbound.poll.lists.listed import ListedMessage, fields_of, objects_in
from shared.phones import SenderNumber

_PAGE = 1_000
_MAX_PAGES = 2_000
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
    is_emptied: ClassVar[bool] = False

    async def pages(self, api: GatewayApi, since: datetime) -> AsyncIterator[Sequence[ListedMessage]]:
        credential = api.credential
        assert isinstance(credential, TwilioApiCredential)  # noqa: S101 (the registry pairs them)
        for number in credential.numbers or ("",):
            parameters: dict[str, str | int] = {"PageSize": _PAGE, "DateSent>": since.date().isoformat()}
            parameters |= {"To": number} if number else {}
            async for rows in _pages(api, f"/2010-04-01/Accounts/{credential.account_sid}/Messages.json", parameters):
                recent = [row for row in rows if _is_since(row, since)]
                if rows and not recent:
                    break
                yield [_listed(row) for row in recent if _is_reply(row)]

    async def done(self, api: GatewayApi, rows: Sequence[ListedMessage]) -> None:
        """Do nothing: the list stays as it is."""


async def _pages(
    api: GatewayApi, path: str, parameters: Mapping[str, str | int]
) -> AsyncIterator[list[dict[str, object]]]:
    for _ in range(_MAX_PAGES):
        found = await api.get(path, parameters)
        yield objects_in(found, "messages")
        if not found.get("next_page_uri"):
            return
        path, parameters = str(found["next_page_uri"]), {}
    raise GatewayApiError(f"{api.account}: more than {_MAX_PAGES} pages; name the account's `numbers`")


def _is_reply(row: dict[str, object]) -> bool:
    """Say whether a row came in, and by a channel that has webhooks here."""
    is_another_channel = str(row.get("from", "")).startswith(_OTHER_CHANNELS)
    return row.get("direction") == _INBOUND and not is_another_channel


def _at(row: dict[str, object]) -> str:
    return str(row.get("date_created") or row.get("date_sent") or "")


def _is_since(row: dict[str, object], since: datetime) -> bool:
    """Say whether a row was created or sent since then; one whose times cannot be read may have been."""
    written = (read_time(str(row.get(name))) for name in ("date_created", "date_sent"))
    times = [at for at in written if at is not None]
    return not times or max(times) >= since


def _listed(row: dict[str, object]) -> ListedMessage:
    return ListedMessage({**fields_of(row, _NAMES), "SmsStatus": "received"}, _at(row))
