"""MessageBird's SMS API: `GET /messages?direction=mo`. A row has a webhook's fields, but its recipient in a list."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import Field, SecretStr

from services.inbound.gateways.messagebird import MessageBirdMessage
from services.inbound.gateways.reported import ReportedMessage
from services.inbound.poll.api_keys import ApiCredential, ApiUrl
from services.inbound.poll.client import GatewayApi, GatewayApiError
from services.inbound.poll.lists.listed import ListedMessage, fields_of, is_last, objects_in

_PAGE = 200
_MAX_PAGES = 1_000
_FIELDS = ("id", "originator", "body", "createdDatetime")
_NAMES = {name: name for name in _FIELDS}


class MessageBirdApiCredential(ApiCredential):
    """An access key of a MessageBird account, which is not its signing key."""

    base_url: ApiUrl = "https://rest.messagebird.com"
    access_key: Annotated[SecretStr, Field(min_length=8)]

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"AccessKey {self.access_key.get_secret_value()}"}


class MessageBirdList:
    """The received messages of a MessageBird account."""

    model: ClassVar[type[ReportedMessage]] = MessageBirdMessage
    is_emptied: ClassVar[bool] = False

    async def pages(self, api: GatewayApi, since: datetime) -> AsyncIterator[Sequence[ListedMessage]]:
        start = since.isoformat(timespec="seconds")
        seen = 0
        for _ in range(_MAX_PAGES):
            parameters: dict[str, str | int] = {
                "direction": "mo",
                "from": start,
                "limit": _PAGE,
                "offset": seen,
            }
            found = await api.get("/messages", parameters)
            rows = objects_in(found, "items")
            seen += len(rows)
            yield [_listed(row) for row in rows if row.get("direction", "mo") == "mo"]
            if is_last(rows, seen, found.get("totalCount")):
                return
        raise GatewayApiError(f"{api.account}: /messages has more than {_MAX_PAGES} pages")

    async def done(self, api: GatewayApi, rows: Sequence[ListedMessage]) -> None:
        """Do nothing: the list stays as it is."""


def _listed(row: dict[str, object]) -> ListedMessage:
    fields = fields_of(row, _NAMES)
    recipients = row.get("recipients")
    items = recipients.get("items") if isinstance(recipients, dict) else None
    if isinstance(items, list) and items and isinstance(items[0], dict):
        fields |= fields_of(items[0], {"recipient": "recipient"})
    return ListedMessage(fields, fields.get("createdDatetime", ""))
