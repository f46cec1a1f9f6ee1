"""ClickSend: `GET /v3/sms/inbound` lists what came in under a rule with the action POLL and is not marked as read.

Such a rule has to be there first, for every number: a round that finds none makes it. Nothing that came before it is
listed. Each message is marked as read once Kafka has it, so the list is not for another reader of the same account.
With several such rules a message is listed several times. What is marked as read is listed no more, and what comes
after it moves up.
"""

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, ClassVar
from urllib.parse import quote

from pydantic import Field, SecretStr

from services.inbound.gateways.clicksend import ClickSendMessage
from services.inbound.gateways.reported import ReportedMessage
from services.inbound.poll.api_keys import ApiCredential, ApiUrl
from services.inbound.poll.client import GatewayApi, GatewayApiError
from services.inbound.poll.lists.listed import ListedMessage, fields_of, objects_in

_PAGE = 100
_MAX_PAGES = 1_000
_GONE = 404
_POLL = "POLL"
_EVERY_NUMBER = "*"
_RULE = {
    "dedicated_number": _EVERY_NUMBER,
    "rule_name": "Stopline catches up",
    "message_search_type": 0,
    "message_search_term": "",
    "action": _POLL,
    "action_address": "",
    "enabled": 1,
}
_FIELDS = ("from", "to", "body", "original_body", "original_message_id", "message_id", "timestamp", "custom_string")
_NAMES = {name: name for name in _FIELDS}


class ClickSendApiCredential(ApiCredential):
    """A user name and API key of a ClickSend account."""

    base_url: ApiUrl = "https://rest.clicksend.com"
    username: Annotated[str, Field(min_length=1)]
    api_key: Annotated[SecretStr, Field(min_length=8)]

    def headers(self) -> Mapping[str, str]:
        secret = f"{self.username}:{self.api_key.get_secret_value()}"
        return {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}


class ClickSendList:
    """The unread messages of a ClickSend account."""

    model: ClassVar[type[ReportedMessage]] = ClickSendMessage
    is_emptied: ClassVar[bool] = True

    async def pages(self, api: GatewayApi, _: datetime) -> AsyncIterator[Sequence[ListedMessage]]:
        """Yield all pages; what comes in between shifts rows to a later page, or to the next round."""
        if not await _polls(api):
            await api.call("POST", "/v3/automations/sms/inbound", content=_RULE)
        async for rows in _all_pages(api, "/v3/sms/inbound"):
            yield [_listed(row) for row in rows]

    async def done(self, api: GatewayApi, rows: Sequence[ListedMessage]) -> None:
        """Mark each message as read; one that ClickSend does not know any more is not listed either."""
        for id_ in dict.fromkeys(row.id for row in rows if row.id):
            try:
                await api.call("PUT", f"/v3/sms/inbound-read/{quote(id_, safe='')}")
            except GatewayApiError as error:
                if error.status != _GONE:
                    raise


async def _polls(api: GatewayApi) -> bool:
    """Say whether there is a rule already that lists all messages of all numbers."""
    async for rules in _all_pages(api, "/v3/automations/sms/inbound"):
        for rule in rules:
            is_on = str(rule.get("enabled")) == "1" and str(rule.get("message_search_type")) == "0"
            if is_on and rule.get("action") == _POLL and rule.get("dedicated_number") == _EVERY_NUMBER:
                return True
    return False


async def _all_pages(api: GatewayApi, path: str) -> AsyncIterator[list[dict[str, object]]]:
    for page in range(1, _MAX_PAGES + 1):
        found = await api.get(path, {"page": page, "limit": _PAGE})
        yield objects_in(found, "data", "data")
        last_page = str(found["data"].get("last_page"))
        if not last_page.isdecimal():
            raise GatewayApiError(f"{api.account}: {path} does not say how many pages there are (data.last_page)")
        if page >= int(last_page):
            return
    raise GatewayApiError(f"{api.account}: {path} has more than {_MAX_PAGES} pages")


def _listed(row: dict[str, object]) -> ListedMessage:
    fields = fields_of(row, _NAMES)
    return ListedMessage(fields, fields.get("timestamp", ""), fields.get("message_id", ""))
