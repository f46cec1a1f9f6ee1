"""While inbound is unavailable, and until an account is caught up with, nobody is messaged who may have said STOP."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx

from faults.waiting import until
from faults.world import GAP_SECONDS, World
from harness.client import ApiClient, create_account, produce
from harness.stack.service import Service
from shared.events.delivery import MessageWaiting
from shared.events.outbound import MessageRequested
from shared.reception.follow import ReceptionFollower
from shared.reception.state import ReceptionLimits, ReceptionState

NEVER = timedelta(0)
NOT_CAUGHT_UP = "not_caught_up"
WAITING = 'stopline_sender_reception_accounts{standing="waits"}'


@asynccontextmanager
async def catching_up(world: World) -> AsyncIterator[Service]:
    """Run the process that reads the account's messages at the sandbox, and withdraw the account at the end."""
    account_id = world.shop.account.account_id
    key = {
        "username": account_id,
        "api_key": world.stack.secrets.carrier_token,
        "base_url": world.stack.endpoints().sandbox_url,
    }
    settings = {
        "STOPLINE_GATEWAY_API_KEYS": json.dumps({account_id: {"clicksend": key}}),
        "STOPLINE_POLL_SECONDS": "1",
    }
    poll = await world.stack.add_service("poll", extra_env=settings)
    try:
        await until("a round of catching up", lambda: is_caught_up(world))
        yield poll
    finally:
        await poll.restart(extra_env={"STOPLINE_GATEWAY_API_KEYS": "{}"})
        await poll.stop()


async def is_caught_up(world: World) -> bool:
    state = ReceptionState(ReceptionLimits(NEVER, NEVER, NEVER, NEVER))
    await ReceptionFollower(world.stack.kafka_settings().kafka, state).read()
    return state.complete_to(world.shop.account.account_id, "clicksend") is not None


async def accounts_wait(world: World) -> bool:
    async with httpx.AsyncClient() as http:
        text = (await http.get(world.service("sender").metrics_url)).text
    return f"{WAITING} 1.0" in text


async def somebody_elses(world: World) -> MessageRequested:
    """Return a message of an account that nobody catches up with."""
    ends = world.stack.endpoints()
    account = await create_account(ends.api_url, ends.inbound_url, ends.admin_token, f"else-{world.shop.phones[0][1:]}")
    async with ApiClient(ends.api_url, account) as api:
        list_id = await api.create_list("newsletter")
    mine = world.shop.request(world.shop.phones[0], world.shop.list_ids[0])
    return mine.model_copy(update={"account_id": account.account_id, "list_id": list_id})


async def test_a_stop_that_came_during_an_outage_is_caught_up_with_before_its_writer_is_messaged(world: World) -> None:
    leaver, stayer = world.shop.phones[:2]
    list_id = world.shop.list_ids[0]
    async with catching_up(world) as poll:
        for phone in (leaver, stayer):
            await world.arrives(await world.send(phone, list_id))
        await poll.kill()
        await world.service("inbound").kill()
        await world.sandbox.set_faults(webhook_retries=0)  # the gateway does not repeat it
        lost = await world.sandbox.reply(leaver, "STOP", account_id=world.shop.account.account_id)
        assert lost["status_code"] is None, lost
        await until("the sender notices", lambda: accounts_wait(world), GAP_SECONDS + 30)

        waiting = [await world.send(phone, list_id) for phone in (leaver, stayer)]
        for request in waiting:
            event = await world.events.of_message(request.message_id, "message_waiting", "message_sent")
            assert isinstance(event, MessageWaiting), event
            assert event.reason == NOT_CAUGHT_UP
        others = await somebody_elses(world)
        await produce(world.bootstrap, [others])
        await world.arrives(others)

        await world.service("inbound").start()
        await poll.start()
        await world.outcome(waiting[0], "message_suppressed", 60)
        await world.outcome(waiting[1], "message_sent", 60)
        on_the_phone = [each["message_id"] for each in await world.sandbox.messages(leaver)]
        assert waiting[0].message_id not in on_the_phone
