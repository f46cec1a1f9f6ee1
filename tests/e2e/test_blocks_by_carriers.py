"""A carrier that blocks a recipient itself is not asked again, and only the recipient's START ends that."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Literal
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from harness.client import Account, ApiClient, DeliveryEvents, follow_delivery_events, produce
from harness.sandbox.client import SandboxClient
from harness.stack.stack import Stack
from shared.events.delivery import AnyDeliveryEvent, MessageFailed, MessageSuppressed
from shared.events.outbound import MessageRequested

NUMBER, OTHER_NUMBER = "+18335550123", "+18335550999"
SETTLED = ("message_sent", "message_suppressed", "message_failed", "message_outcome_unknown", "message_rejected")
SCOPE = f"sender:{NUMBER}"
Send = Callable[..., Awaitable[AnyDeliveryEvent]]


@pytest.fixture
def phone() -> str:
    return f"+1415555{random.randrange(10_000):04d}"  # noqa: S311 (no secret)


@pytest_asyncio.fixture(loop_scope="session")
async def sandbox(stopline_stack: Stack) -> AsyncIterator[SandboxClient]:
    async with SandboxClient(stopline_stack.endpoints().sandbox_url) as client:
        yield client
        await client.set_faults()


def sending(stack: Stack, events: DeliveryEvents, account: Account, list_id: int, phone: str) -> Send:
    async def send(number: str = NUMBER) -> AnyDeliveryEvent:
        request = MessageRequested(
            account_id=account.account_id,
            message_id=str(uuid4()),
            list_id=list_id,
            phone=phone,
            sender_number=number,
            body="Hello. Reply STOP to opt out",
        )
        await produce(stack.endpoints().kafka_bootstrap, [request])
        return await events.of_message(request.message_id, *SETTLED)

    return send


async def listed(api: ApiClient, phone: str) -> list[dict[str, Any]]:
    async with asyncio.timeout(20):
        for pause in itertools.repeat(0.05):
            if found := await api.opt_outs(phone):
                return found
            await asyncio.sleep(pause)
    raise AssertionError("unreachable")


async def opt_in(url: str, account: Account, phone: str) -> httpx.Response:
    asked = {"phone": phone, "scopes": [SCOPE], "by": "ada", "statement": "Text me again"}
    async with httpx.AsyncClient(base_url=url, auth=(account.account_id, account.api_key)) as http:
        return await http.post("/v1/opt-ins", json=asked)


async def taken_off_the_list(url: str, account: Account) -> httpx.Response:
    """Delete the only entry of the opt-out list, as ClickSend's API does it."""
    async with httpx.AsyncClient(base_url=f"{url}/v3/", auth=(account.account_id, account.api_key)) as http:
        lists = (await http.get("lists")).json()["data"]["data"]
        for each in lists:
            contacts = (await http.get(f"lists/{each['list_id']}/contacts")).json()["data"]["data"]
            for contact in contacts:
                path = f"lists/{each['list_id']}/contacts/{contact['contact_id']}"
                return await http.delete(path, params={"reason": "agreed by phone"})
    raise AssertionError("the opt-out list is empty")


@pytest.mark.parametrize("reported_by", ["answer", "receipt"])
async def test_a_block_drops_the_next_message_until_a_start_to_that_number(
    reported_by: Literal["answer", "receipt"],
    stopline_stack: Stack,
    stopline_account: Account,
    sandbox: SandboxClient,
    phone: str,
) -> None:
    ends = stopline_stack.endpoints()
    async with (
        ApiClient(ends.api_url, stopline_account) as api,
        follow_delivery_events(ends.kafka_bootstrap) as events,
    ):
        send = sending(stopline_stack, events, stopline_account, await api.create_list("newsletter"), phone)
        await sandbox.set_faults(phones=[phone], opted_out=reported_by, receipts=True)
        first = await send()
        if reported_by == "answer":
            assert isinstance(first, MessageFailed)
            assert first.reason == "opted_out the recipient has texted STOP to this number"
        assert [each["scope"] for each in await listed(api, phone)] == [SCOPE]

        await sandbox.set_faults()
        second = await send()
        assert isinstance(second, MessageSuppressed), "the carrier was asked again"
        assert second.scope == SCOPE
        assert (await send(OTHER_NUMBER)).type == "message_sent", "another number is not blocked"

        refused = await opt_in(ends.api_url, stopline_account, phone)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "blocked_by_carrier"), refused.text
        kept = await taken_off_the_list(ends.api_url, stopline_account)
        assert kept.status_code == 400, kept.text
        assert "by texting START" in kept.json()["response_msg"]
        await sandbox.reply(phone, "START", to=OTHER_NUMBER)
        assert (await send()).type == "message_suppressed", "START to another number does not end it"
        await sandbox.reply(phone, "START", to=NUMBER, account_id=stopline_account.account_id, in_reply_to=None)
        assert (await send()).type == "message_sent", "START to that number ends it"
