"""The judgement can fail: what the guarantees forbid is done to the running stack, and the checker finds it.

Nothing in the services is switched off for that: a writer without a fence, and a caller without a ledger, are added.
"""

from datetime import UTC, datetime
from uuid import uuid4

import aiohttp
import pytest

from faults.shop import Shop
from faults.waiting import until
from faults.world import World
from harness.checker import check
from shared.events.codec import cloud_event_headers, encode
from shared.events.suppression import SuppressionChanged
from shared.kafka import new_producer
from shared.partitions import partition_of
from shared.topics import SUPPRESSIONS

pytestmark = pytest.mark.timeout(120)


async def test_a_stale_opt_in_written_after_a_stop_is_found_as_a_send_after_stop(
    world: World, shops: list[Shop]
) -> None:
    """What a zombie would do that is not fenced."""
    shops.remove(world.shop)
    phone, list_id = world.shop.phones[0], world.shop.list_ids[0]
    await world.arrives(await world.send(phone, list_id))
    await world.reply(phone, "STOP")
    await world.outcome(await world.send(phone, list_id), "message_suppressed")
    await _write_stale_opt_in(world, phone, list_id)
    await world.arrives(await world.send(phone, list_id))
    found = {(violation.guarantee, violation.rule) for violation in check(await world.history())}
    assert {("G1", "sent_after_stop"), ("G2", "opt_out_lost")} <= found
    await world.reply(phone, "START")  # so that topic and record agree again, for the tests that follow
    await until("the START is decided", lambda: world.is_state("active", phone, list_id))


async def test_carrier_calls_that_the_sender_did_not_make_are_found(world: World, shops: list[Shop]) -> None:
    shops.remove(world.shop)
    phone, list_id = world.shop.phones[0], world.shop.list_ids[0]
    request = await world.send(phone, list_id)
    await world.outcome(request, "message_sent")
    for message_id in (request.message_id, f"m-{uuid4()}"):
        await _call_carrier(world, phone, message_id, request.body)
    found = {(violation.guarantee, violation.rule) for violation in check(await world.history())}
    assert found == {("G3", "called_twice"), ("G6", "never_requested"), ("G1", "unannounced_call")}


async def _write_stale_opt_in(world: World, phone: str, list_id: int) -> None:
    stale = SuppressionChanged(
        account_id=world.shop.account.account_id,
        scope=f"list:{list_id}",
        phone=phone,
        state="opted_in",
        cause_event_id=uuid4(),
        changed_at=datetime.now(UTC),
    )
    async with new_producer(world.bootstrap) as producer:
        await producer.send_and_wait(
            SUPPRESSIONS,
            encode(stale),
            stale.key(),
            partition_of(phone, world.stack.kafka_settings().partitions),
            headers=cloud_event_headers(stale, "stopline/tests"),
        )


async def _call_carrier(world: World, phone: str, message_id: str, body: str) -> None:
    call = {
        "message_id": message_id,
        "account_id": world.shop.account.account_id,
        "to": phone,
        "from": world.shop.numbers[world.shop.list_ids[0]],
        "body": body,
    }
    login = {"Authorization": f"Bearer {world.stack.secrets.carrier_token}"}
    async with aiohttp.ClientSession(headers=login) as http:
        answer = await http.post(f"{world.stack.endpoints().sandbox_url}/v1/messages", json=call)
        assert answer.status == 200
