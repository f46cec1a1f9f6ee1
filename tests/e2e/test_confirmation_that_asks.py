"""A confirmation that asks how far an opt-out goes: it is of the account at once, until the offered word narrows it."""

import random
import time
from typing import Any
from uuid import uuid4

import httpx

from harness.client import Account, ApiClient, DeliveryEvents, follow_delivery_events, produce
from harness.sandbox.client import SandboxClient
from harness.stack.stack import Stack
from shared.events.outbound import MessageRequested

NUMBER = "+18335550123"
SETTLED = ("message_sent", "message_suppressed", "message_rejected")


async def test_an_answer_to_the_question_lifts_the_account_and_leaves_the_list(
    stopline_stack: Stack, stopline_account: Account
) -> None:
    ends, account = stopline_stack.endpoints(), stopline_account
    phone = f"+1416555{random.randrange(10_000):04d}"  # noqa: S311 (no secret)
    text = f"{account.account_id}: you get no more messages. Reply LIST if you meant only this list."
    async with (
        ApiClient(ends.api_url, account) as api,
        SandboxClient(ends.sandbox_url) as sandbox,
        follow_delivery_events(ends.kafka_bootstrap) as events,
        httpx.AsyncClient(base_url=ends.api_url, auth=(account.account_id, account.api_key)) as http,
    ):
        await api.confirm_opt_outs([{"country": "CA", "text": text, "asks_scope": True, "list_word": "List"}])
        news, sales = await api.create_list("news"), await api.create_list("sales")
        assert await sent(stopline_stack, account, events, news, phone) == "message_sent"
        await sandbox.reply(phone, "STOP")
        await sandbox.wait_for_message(phone, lambda message: message["body"] == text)
        for list_id in (news, sales):
            assert await sent(stopline_stack, account, events, list_id, phone) == "message_suppressed"
        await sandbox.reply(phone, "what?")
        assert await sent(stopline_stack, account, events, sales, phone) == "message_suppressed"
        await sandbox.reply(phone, "list", timestamp=int(time.time()) + 2)  # surely later: its times are whole seconds
        assert await sent(stopline_stack, account, events, sales, phone) == "message_sent"
        assert await sent(stopline_stack, account, events, news, phone) == "message_suppressed"
        shown = (await http.get("/v1/evidence", params={"phone": phone})).json()
        narrowed = [each for each in shown["timeline"] if each.get("reason") == "narrowed"]
        confirmation = [each for each in shown["timeline"] if each.get("confirms")]
        assert [(each["text"], each["changed"]) for each in narrowed] == [("list", ["account"])]
        assert narrowed[0]["message_id"] == confirmation[0]["message_id"]
        assert [each["confirmation"]["text"] for each in shown["timeline"] if "confirmation" in each] == [text]
        await api.confirm_opt_outs([])


async def sent(stack: Stack, account: Account, events: DeliveryEvents, list_id: int, phone: str) -> Any:
    request = MessageRequested(
        account_id=account.account_id,
        message_id=uuid4().hex,
        list_id=list_id,
        phone=phone,
        sender_number=NUMBER,
        body="Hello. Reply STOP to opt out",
    )
    await produce(stack.endpoints().kafka_bootstrap, [request])
    return (await events.of_message(request.message_id, *SETTLED)).type
