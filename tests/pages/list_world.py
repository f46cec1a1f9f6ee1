"""What the tests of lists, opt-outs and numbers act with: lists of an account, and users with roles."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx

from harness.account import Account
from harness.stack.endpoints import Endpoints

ANN, BOB, CYD, DAN = (f"+1415555{number:04d}" for number in range(801, 805))


class Book:
    """The account's lists and opt-outs, written and read by the API."""

    def __init__(self, ends: Endpoints, account: Account) -> None:
        self.account = account
        self._http = httpx.AsyncClient(
            base_url=ends.api_url, auth=(account.account_id, account.api_key), timeout=30, trust_env=False
        )
        self._admin = {"Authorization": f"Bearer {ends.admin_token}"}

    async def close(self) -> None:
        await self._http.aclose()

    async def new_list(self, name: str, *contacts: str | Mapping[str, Any]) -> int:
        made = await self.post("/v1/lists", {"name": name})
        given = [{"phone": each} if isinstance(each, str) else dict(each) for each in contacts]
        if given:
            await self.post(f"/v1/lists/{made['list_id']}/contacts", {"contacts": given})
        list_id: int = made["list_id"]
        return list_id

    async def opt_out(self, phone: str, scope: str, statement: str = "no more", source: str = "phone_call") -> None:
        await self.post(
            "/v1/opt-outs",
            {"phone": phone, "scopes": [scope], "by": "ada", "source": source, "statement": statement},
        )

    async def statuses(self, list_id: int) -> dict[str, str]:
        read = await self.get(f"/v1/lists/{list_id}/contacts")
        return {each["phone"]: each["status"] for each in read["contacts"]}

    async def is_in(self, country: str) -> None:
        answer = await self._http.patch(
            f"/v1/accounts/{self.account.account_id}", json={"country": country}, headers=self._admin, auth=None
        )
        assert answer.status_code == 200, answer.text

    async def user(self, role: str) -> Account:
        name = f"{role}-{uuid4().hex[:8]}"
        made = await self.post("/v1/users", {"user": name, "role": role})
        return Account(name, made["api_key"], "")

    async def get(self, path: str, **params: str) -> dict[str, Any]:
        return _read(await self._http.get(path, params=params))

    async def post(self, path: str, body: object) -> dict[str, Any]:
        return _read(await self._http.post(path, json=body))


def _read(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, answer.text
    read: dict[str, Any] = answer.json()
    return read
