"""What the tests of daily work act with: the account at the API, its users, people who reply, records in Kafka."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import httpx

from harness.account import Account
from harness.client import follow_delivery_events
from harness.sandbox.client import SandboxClient
from harness.stack.endpoints import Endpoints
from harness.stack.stack import Stack

SENDER = "+18335550188"


async def eventually(is_true: Callable[[], Awaitable[bool]], seconds: float = 15.0) -> None:
    """Wait until it is true of what another process does."""
    async with asyncio.timeout(seconds):
        while not await is_true():  # noqa: ASYNC110 (another process makes it so)
            await asyncio.sleep(0.05)


def some_phone() -> str:
    return f"+1415555{uuid4().int % 10_000:04d}"


@dataclass(frozen=True)
class DailyWork:
    """One account at work."""

    stack: Stack
    ends: Endpoints
    account: Account
    sandbox: SandboxClient

    async def ask(self, method: str, path: str, body: Any = None, who: Account | None = None) -> dict[str, Any]:
        asks = who or self.account
        async with httpx.AsyncClient(base_url=self.ends.api_url, timeout=20) as http:
            answer = await http.request(method, path, json=body, auth=(asks.account_id, asks.api_key))
        assert answer.is_success, answer.text
        read: dict[str, Any] = answer.json()
        return read

    async def user(self, role: str) -> Account:
        """Make a user of the account, and return what they sign in with."""
        made = await self.ask("POST", "/v1/users", {"user": f"{role}-{uuid4().hex[:8]}", "role": role})
        return replace(self.account, account_id=made["user"], api_key=made["api_key"])

    async def new_list(self, name: str, *phones: str) -> int:
        list_id: int = (await self.ask("POST", "/v1/lists", {"name": name}))["list_id"]
        if phones:
            contacts = [{"phone": phone, "fields": {"first_name": "Ann"}} for phone in phones]
            await self.ask("POST", f"/v1/lists/{list_id}/contacts", {"contacts": contacts})
        return list_id

    async def messaged(self, *phones: str) -> int:
        """Have a campaign reach the phones; return the list."""
        list_id = await self.new_list(f"List {uuid4().hex[:6]}", *phones)
        body = "Acme: new boots are in. Reply STOP to opt out"
        new = {"list_id": list_id, "name": "Boots", "sender_number": SENDER, "body": body}
        async with follow_delivery_events(self.stack.kafka_settings().kafka):
            await self.ask("POST", "/v1/campaigns", new)
            for phone in phones:
                await self.sandbox.wait_for_message(phone, lambda message: message["body"] == body, 20)
        return list_id

    async def states_of(self, phone: str) -> list[str]:
        shown = await self.ask("GET", f"/v1/suppressions/%2B{phone[1:]}")
        return [each["state"] for each in shown["suppressions"]]

    async def held(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.ask("GET", "/v1/review"))["held"]
        return found

    async def replies(self, phone: str, text: str) -> None:
        await self.sandbox.reply(phone, text, account_id=self.account.account_id, to=SENDER)
