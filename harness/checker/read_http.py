"""What the carrier, the phones and the gateway saw, and what the customer API says: over HTTP, from outside."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx

from harness.checker.history import Answered, Call, Decided, Received, ScopeKey
from harness.client import Account, ApiClient
from harness.sandbox.client import SandboxClient
from shared.errors import TransientError

_REQUEST_SECONDS = 15.0
_AT_ONCE = 4


async def read_calls(sandbox: SandboxClient, account_id: str) -> list[Call]:
    """Return the calls for an account that arrived at the carrier."""
    return [
        Call(
            account_id=call["account_id"],
            message_id=call["message_id"],
            phone=call["to"],
            sender_number=call["from"],
            body=call["body"],
            arrived_at=_time(call["received_at"]),
            status=call["status"],
        )
        for call in await sandbox.calls(account_id)
    ]


async def read_received(sandbox: SandboxClient, account_id: str, phones: Iterable[str]) -> list[Received]:
    """Return what stands on the phones from the account."""
    return [
        Received(message["account_id"], message["message_id"], phone, _time(message["received_at"]))
        for phone in phones
        for message in await sandbox.messages(phone)
        if message["account_id"] == account_id
    ]


async def read_answered(sandbox: SandboxClient, account_id: str) -> list[Answered]:
    """Return the replies whose webhook was answered with 2xx."""
    return [
        Answered(account_id, attempt["form"]["message_id"], attempt["form"]["from"], _time(attempt["answered_at"]))
        for attempt in await sandbox.webhooks(account_id)
        if attempt["kind"] == "reply" and attempt["status_code"] in range(200, 300)
    ]


async def read_record(
    api_url: str, account: Account, phones: Iterable[str]
) -> tuple[list[Decided], dict[ScopeKey, str]]:
    """Return the entries of the record about these phones, and the state of each of their scopes."""
    limit = asyncio.Semaphore(_AT_ONCE)
    async with (
        ApiClient(api_url, account) as api,
        httpx.AsyncClient(auth=(account.account_id, account.api_key), timeout=_REQUEST_SECONDS) as http,
    ):

        async def one(phone: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
            async with limit:
                return await api.inbox(phone), await _suppressions(http, api_url, phone)

        answers = await asyncio.gather(*(one(phone) for phone in phones))
    decided = [
        Decided(account.account_id, UUID(message["event_id"]), message["phone"])
        for inbox, _ in answers
        for message in inbox
    ]
    states = {
        ScopeKey(account.account_id, found["scope"], phone): str(found["state"])
        for phone, (_, suppressions) in zip(phones, answers, strict=True)
        for found in suppressions
    }
    return decided, states


async def _suppressions(http: httpx.AsyncClient, api_url: str, phone: str) -> list[dict[str, Any]]:
    answer = await http.get(f"{api_url}/v1/suppressions/{phone}")
    if answer.is_error:
        raise TransientError(f"GET /v1/suppressions: {answer.status_code} {answer.text}")
    found: list[dict[str, Any]] = answer.json()["suppressions"]
    return found


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
