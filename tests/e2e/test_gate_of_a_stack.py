"""The gate of a running stack: from the API's answer on, no message leaves that the settings do not let pass."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

import httpx

from harness.certificates import certificates
from harness.client import Account, ApiClient, DeliveryEvents, follow_delivery_events, produce
from harness.stack.stack import Stack
from shared.events.delivery import AnyDeliveryEvent, MessageDispatching, MessageRejected
from shared.events.outbound import MessageRequested

STOP, LEAVE = "Sale. Reply STOP to opt out", "Sale. Reply LEAVE to opt out"
LEAVE_RULE = {
    "dedicated_number": "*", "rule_name": "Leave", "message_search_type": 1, "message_search_term": "leave",
    "action": "OPT_OUT",
}  # fmt: skip


@dataclass
class GatedShop:
    """A shop with one list; its messages go to phones of all partitions in turn."""

    stack: Stack
    account: Account
    list_id: int
    events: DeliveryEvents
    http: httpx.AsyncClient
    phones: Any = field(default_factory=lambda: (f"+1312555{number:04d}" for number in count(1)))

    async def outcome(self, body: str, list_id: int | None = None, **more: Any) -> AnyDeliveryEvent:
        request = MessageRequested(
            account_id=self.account.account_id,
            message_id=uuid4().hex,
            list_id=list_id or self.list_id,
            phone=next(self.phones),
            sender_number="+18335550123",
            body=body,
            **more,
        )
        await produce(self.stack.backend.kafka_bootstrap, [request])
        return await self.events.of_message(request.message_id, "message_sent", "message_rejected")

    async def reason(self, body: str, list_id: int | None = None) -> str:
        event = await self.outcome(body, list_id)
        assert isinstance(event, MessageRejected), event
        return event.reason

    async def call(self, method: str, path: str, json: Any = None, status: int = 200) -> Any:
        answer = await self.http.request(method, path, json=json)
        assert answer.status_code == status, answer.text
        return answer.json()


@asynccontextmanager
async def opened(stack: Stack, account: Account) -> AsyncIterator[GatedShop]:
    ends = stack.endpoints()
    http = httpx.AsyncClient(verify=certificates(), base_url=ends.api_url, auth=(account.account_id, account.api_key))
    async with ApiClient(ends.api_url, account) as api, follow_delivery_events(ends.kafka_bootstrap) as events, http:
        yield GatedShop(stack, account, await api.create_list("news"), events, http)


async def test_a_rule_that_is_switched_off_counts_for_no_message_after_the_answer(
    stopline_stack: Stack, stopline_account: Account
) -> None:
    async with opened(stopline_stack, stopline_account) as shop:
        assert await shop.reason(LEAVE) == "word_without_rule"
        rule = await shop.call("POST", "/v1/rules", LEAVE_RULE, 201)
        path = f"/v1/rules/{rule['inbound_rule_id']}"
        for _ in range(5):
            await shop.call("PUT", path, {**LEAVE_RULE, "enabled": 1})
            assert (await shop.outcome(LEAVE)).type == "message_sent"
            await shop.call("PUT", path, {**LEAVE_RULE, "enabled": 0})
            assert await shop.reason(LEAVE) == "word_without_rule"
        assert (await shop.outcome(STOP)).type == "message_sent"


async def test_only_lists_of_the_account_that_are_there_can_be_sent_to(
    stopline_stack: Stack, stopline_account: Account
) -> None:
    async with opened(stopline_stack, stopline_account) as shop:
        ended = (await shop.call("POST", "/v1/lists", {"name": "soon gone"}, 201))["list_id"]
        assert (await shop.outcome(STOP, ended)).type == "message_sent"
        assert (await shop.http.delete(f"/v3/lists/{ended}")).status_code == 200
        opt_out_list = next(
            each["list_id"] for each in (await shop.call("GET", "/v3/lists"))["data"]["data"]
            if each["list_name"] == "Opt Out List"
        )  # fmt: skip
        demo_list = 2  # of another account
        for list_id in (ended, opt_out_list, demo_list, 99_999):
            assert await shop.reason(STOP, list_id) == "unknown_list"


async def test_an_account_may_have_its_instruction_appended_as_long_as_it_works(
    stopline_stack: Stack, stopline_account: Account
) -> None:
    async with opened(stopline_stack, stopline_account) as shop:
        assert await shop.reason("Sale.") == "no_way_out"
        appends = {"policy": "append", "instruction": "Reply LEAVE to opt out"}
        refused = await shop.call("PUT", "/v1/account/gate", appends, 422)
        assert (refused["error"]["code"], "LEAVE" in refused["error"]["message"]) == ("word_without_rule", True)
        rule = await shop.call("POST", "/v1/rules", LEAVE_RULE, 201)
        shown = await shop.call("PUT", "/v1/account/gate", appends)
        assert (shown["instruction_segments"], "leave" in shown["words"]["*"]) == (1, True)
        sent = await shop.outcome("x" * 150)
        assert sent.type == "message_sent"
        announced = await shop.events.of_message(sent.message_id or "", "message_dispatching")
        assert isinstance(announced, MessageDispatching)
        assert (announced.segments, "Reply LEAVE" in (announced.instruction or "")) == (2, True)
        path = f"/v1/rules/{rule['inbound_rule_id']}"
        refused = await shop.call("DELETE", path, None, 422)
        assert "PUT /v1/account/gate" in refused["error"]["message"]
        await shop.call("PUT", path, {**LEAVE_RULE, "enabled": 0}, 422)
        await shop.call("PUT", "/v1/account/gate", {"policy": "reject"})
        await shop.call("DELETE", path)
        assert await shop.reason("Sale.") == "no_way_out"


async def test_settings_are_published_again_when_the_pipeline_starts(
    stopline_stack: Stack, stopline_account: Account
) -> None:
    async with opened(stopline_stack, stopline_account) as shop:
        assert (await shop.outcome(STOP)).type == "message_sent"
        await stopline_stack.control("stop", "optout")
        later = (await shop.call("POST", "/v1/lists", {"name": "meanwhile"}, 201))["list_id"]
        await stopline_stack.control("start", "optout")
        assert (await shop.outcome(STOP, later)).type == "message_sent"
        assert await shop.reason("Sale.", later) == "no_way_out"
