"""ClickSend's opt-out list, which is a contact list: `GET /v3/lists/{list_id}/contacts`."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlencode

from pydantic import SecretStr

from services.inbound.carrier_lists.entry import EntryPage, ListEntry
from services.inbound.carrier_lists.http import (
    ApiRequest,
    ApiResponse,
    basic_auth,
    count_of,
    json_of,
    objects_of,
    texts_of,
)
from services.inbound.gateways.clicksend import ClickSendMessage

_URL = "https://rest.clicksend.com"
_PAGE_ENTRIES = 100


@dataclass(frozen=True, slots=True)
class ClickSendOptOuts:
    """The opt-out list of an account; whoever is on it has opted out of all of the account, as ClickSend has it."""

    username: str
    api_key: SecretStr
    list_id: str
    url: str = _URL

    gateway: ClassVar[str] = ClickSendMessage.gateway
    covers_account: ClassVar[bool] = True

    def request(self, page: str | None, since: datetime | None, _: datetime) -> ApiRequest:
        query = {"page": page or "1", "limit": str(_PAGE_ENTRIES)}
        if since is not None:
            query["updated_after"] = str(int(since.timestamp()))
        url = f"{self.url.rstrip('/')}/v3/lists/{self.list_id}/contacts?{urlencode(query)}"
        headers = {"Authorization": basic_auth(self.username, self.api_key.get_secret_value())}
        return ApiRequest(url, {**headers, "Accept": "application/json"})

    def page_of(self, response: ApiResponse, page: str | None) -> EntryPage:
        found = json_of(response).get("data")
        data = found if isinstance(found, dict) else {}
        entries = [_entry(texts_of(each)) for each in objects_of(data.get("data"))]
        here, last = int(page or "1"), count_of(texts_of(data).get("last_page", ""))
        is_last = len(entries) < _PAGE_ENTRIES if last is None else here >= last
        return EntryPage(entries, None if is_last or not entries else str(here + 1))


def _entry(found: dict[str, str]) -> ListEntry:
    """Return a contact as an entry: it is as old as its adding, and not as a change of its name since."""
    return ListEntry(found.get("phone_number", ""), found.get("date_added", ""), words="on ClickSend's opt-out list")
