"""Telnyx's opt-outs: `GET /v2/messaging_optouts` (developers.telnyx.com, "List opt-outs"), newest time filtered."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlencode

from pydantic import SecretStr

from services.inbound.carrier_lists.entry import EntryPage, ListEntry
from services.inbound.carrier_lists.http import ApiRequest, ApiResponse, count_of, json_of, objects_of, texts_of
from shared.events.base import format_time

_URL = "https://api.telnyx.com"
_PAGE_ENTRIES = 250


@dataclass(frozen=True, slots=True)
class TelnyxOptOuts:
    """The opt-outs of an account, or of one of its messaging profiles."""

    api_key: SecretStr
    messaging_profile: str = ""
    url: str = _URL

    gateway: ClassVar[str] = "telnyx"
    covers_account: ClassVar[bool] = False

    @property
    def list_id(self) -> str:
        return self.messaging_profile

    def request(self, page: str | None, since: datetime | None, _: datetime) -> ApiRequest:
        query = {"page[number]": page or "1", "page[size]": str(_PAGE_ENTRIES), "redaction_enabled": "false"}
        if self.messaging_profile:
            query["filter[messaging_profile_id]"] = self.messaging_profile
        if since is not None:
            query["created_at[gte]"] = format_time(since)
        headers = {"Authorization": f"Bearer {self.api_key.get_secret_value()}", "Accept": "application/json"}
        return ApiRequest(f"{self.url.rstrip('/')}/v2/messaging_optouts?{urlencode(query)}", headers)

    def page_of(self, response: ApiResponse, page: str | None) -> EntryPage:
        found = json_of(response)
        entries = [_entry(texts_of(each)) for each in objects_of(found.get("data"))]
        here, total = int(page or "1"), count_of(texts_of(found.get("meta")).get("total_pages", ""))
        is_last = len(entries) < _PAGE_ENTRIES if total is None else here >= total
        return EntryPage(entries, None if is_last or not entries else str(here + 1))


def _entry(found: dict[str, str]) -> ListEntry:
    """Return an entry: `to` is who opted out, `from` the number that they wrote to."""
    return ListEntry(
        found.get("to", ""),
        found.get("created_at", ""),
        found.get("from", ""),
        found.get("messaging_profile_id", ""),
        found.get("keyword", ""),
    )
