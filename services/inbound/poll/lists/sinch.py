"""Sinch: `GET /xms/v1/{service_plan_id}/inbounds`, newest first; the last 14 days. A row is what a webhook is."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import Field, SecretStr

from services.inbound.gateways.reported import ReportedMessage
from services.inbound.gateways.sinch import SinchMessage
from services.inbound.poll.api_keys import ApiCredential, ApiUrl
from services.inbound.poll.client import GatewayApi, GatewayApiError
from services.inbound.poll.lists.listed import ListedMessage, fields_of, is_last, objects_in

_PAGE = 100
_MAX_PAGES = 1_000
_FIELDS = ("type", "id", "from", "to", "body", "received_at", "client_reference")
_NAMES = {name: name for name in _FIELDS}


class SinchApiCredential(ApiCredential):
    """The API token of a Sinch service plan; `base_url` names the plan's region."""

    base_url: ApiUrl = "https://us.sms.api.sinch.com"
    service_plan_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    api_token: Annotated[SecretStr, Field(min_length=8)]

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.api_token.get_secret_value()}"}


class SinchList:
    """The inbounds of a Sinch service plan."""

    model: ClassVar[type[ReportedMessage]] = SinchMessage
    is_emptied: ClassVar[bool] = False

    async def pages(self, api: GatewayApi, since: datetime) -> AsyncIterator[Sequence[ListedMessage]]:
        credential = api.credential
        assert isinstance(credential, SinchApiCredential)  # noqa: S101 (the registry pairs them)
        path = f"/xms/v1/{credential.service_plan_id}/inbounds"
        start = since.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        seen = 0
        for page in range(_MAX_PAGES):
            found = await api.get(path, {"page": page, "page_size": _PAGE, "start_date": start})
            rows = objects_in(found, "inbounds")
            seen += len(rows)
            yield [_listed(row) for row in rows]
            if is_last(rows, seen, found.get("count")):
                return
        raise GatewayApiError(f"{api.account}: {path} has more than {_MAX_PAGES} pages")

    async def done(self, api: GatewayApi, rows: Sequence[ListedMessage]) -> None:
        """Do nothing: the list stays as it is."""


def _listed(row: dict[str, object]) -> ListedMessage:
    fields = fields_of(row, _NAMES)
    body = row.get("body")
    if isinstance(body, dict):  # of a picture
        fields |= fields_of(body, {"message": "body.message"})
    return ListedMessage(fields, fields.get("received_at", ""))
