"""Reads over HTTP what the carrier, the phones and the gateway saw, and what the customer API shows."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx

from harness.account import Account
from harness.certificates import certificates
from harness.checker.history import AcceptedReply, CarrierCall, LogEntry, PhoneMessage, SuppressedScope
from harness.sandbox.client import SandboxClient
from shared.errors import TransientError

_REQUEST_SECONDS = 15.0
_AT_ONCE = 4
_PAGE = 1000


async def read_calls(
    sandbox: SandboxClient, account_id: str, stamps: Mapping[str, Sequence[datetime]]
) -> list[CarrierCall]:
    """Return the account's calls that arrived at the carrier; `stamps` are the kernel's times by message id."""
    return [_call(call, stamps.get(call["message_id"], ())) for call in await sandbox.calls(account_id)]


def _call(call: dict[str, Any], stamps: Sequence[datetime]) -> CarrierCall:
    read_at = _time(call["received_at"])
    stamped = [at for at in stamps if at <= read_at]  # the carrier reads after its socket has received
    return CarrierCall(
        account_id=call["account_id"],
        message_id=call["message_id"],
        phone=call["to"],
        sender_number=call["from"],
        body=call["body"],
        arrived_at=max(stamped, default=read_at),
        status=call["status"],
        stamped=bool(stamped),
    )


async def read_phones(sandbox: SandboxClient, account_id: str, phones: Iterable[str]) -> list[PhoneMessage]:
    """Return the account's messages on the phones."""
    return [
        PhoneMessage(message["account_id"], message["message_id"], phone, _time(message["received_at"]))
        for phone in phones
        for message in await sandbox.messages(phone)
        if message["account_id"] == account_id
    ]


async def read_accepted(sandbox: SandboxClient, account_id: str) -> list[AcceptedReply]:
    """Return the replies whose webhook was answered with 2xx."""
    return [
        AcceptedReply(account_id, attempt["form"]["message_id"], attempt["form"]["from"], _time(attempt["answered_at"]))
        for attempt in await sandbox.webhooks(account_id)
        if attempt["kind"] == "reply" and attempt["status_code"] in range(200, 300)
    ]


def api_client(api_url: str, account: Account) -> httpx.AsyncClient:
    """Return a client that asks the customer API as the account."""
    login = (account.account_id, account.api_key)
    return httpx.AsyncClient(verify=certificates(), base_url=api_url, auth=login, timeout=_REQUEST_SECONDS)


async def read_decision_log(
    api_url: str, account: Account, phones: Iterable[str]
) -> tuple[list[LogEntry], dict[SuppressedScope, str]]:
    """Return the entries of the decision log about these phones, and the state of each of their scopes."""
    limit = asyncio.Semaphore(_AT_ONCE)
    async with api_client(api_url, account) as http:

        async def one(phone: str) -> tuple[list[LogEntry], list[dict[str, Any]]]:
            async with limit:
                return await _evidence(http, phone), (await get_json(http, f"/v1/suppressions/{phone}"))["suppressions"]

        answers = await asyncio.gather(*(one(phone) for phone in phones))
    entries = [entry for evidence, _ in answers for entry in evidence]
    states = {
        SuppressedScope(account.account_id, found["scope"], phone): str(found["state"])
        for phone, (_, suppressions) in zip(phones, answers, strict=True)
        for found in suppressions
    }
    return entries, states


async def _evidence(http: httpx.AsyncClient, phone: str) -> list[LogEntry]:
    found: list[LogEntry] = []
    query: dict[str, str | int] = {"phone": phone, "limit": _PAGE}
    while True:
        page = await get_json(http, "/v1/evidence", query)
        found += [_entry(shown, phone) for shown in page["entries"]]
        if page["next"] is None:
            return found
        query["after"] = page["next"]


def _entry(shown: dict[str, Any], phone: str) -> LogEntry:
    entry = json.loads(shown["entry"])
    opted_out = {*entry["changed"], *entry["confirmed"]} if entry["answer"] == "opt_out" else set()
    return LogEntry(
        entry["account_id"],
        UUID(entry["event_id"]),
        phone,
        frozenset(opted_out),
        shown["intact"],
        entry["partition"],
        entry["offset"],
        UUID(entry["came_as"]) if entry.get("came_as") else None,
    )


async def get_json(http: httpx.AsyncClient, path: str, query: dict[str, str | int] | None = None) -> dict[str, Any]:
    """Return what the customer API answers.

    Raises:
        TransientError: it is unavailable, or answers with an error.
    """
    try:
        answer = await http.get(path, params=query)
    except httpx.TransportError as error:
        raise TransientError(f"GET {path}: {type(error).__name__}") from error
    if answer.is_error:
        raise TransientError(f"GET {path}: {answer.status_code} {answer.text}")
    found: dict[str, Any] = answer.json()
    return found


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
