"""The one answer to an opt-out, where an account has it on: exactly one, or silence, whatever is killed or forged."""

import signal
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from faults.waiting import until
from faults.world import World
from harness.checker import check
from harness.client import produce
from shared.confirmations import confirmation_id
from shared.events.delivery import MessageDispatching, MessageRejected
from shared.events.outbound import MessageRequested

pytestmark = pytest.mark.timeout(240)


async def put(world: World, *texts: dict[str, Any]) -> None:
    shop = world.shop.account
    async with httpx.AsyncClient(base_url=world.api_url, auth=(shop.account_id, shop.api_key)) as http:
        answer = await http.put("/v1/account/opt-out-confirmation", json={"confirmations": texts})
    assert answer.status_code == 200, answer.text


def text_of(world: World) -> str:
    return f"{world.shop.account.account_id}: you are opted out and get no more messages."


@pytest_asyncio.fixture(loop_scope="session")
async def confirming(world: World) -> AsyncIterator[World]:
    await put(world, {"country": "US", "text": text_of(world)})
    yield world
    await put(world)


async def left(world: World, phone: str) -> str:
    """Have the phone leave the first list, and return the id of the message that may confirm it."""
    list_id = world.shop.list_ids[0]
    await world.arrives(await world.send(phone, list_id))
    await world.reply(phone, "STOP")
    await until("the STOP is decided", lambda: world.is_state("opted_out", phone, list_id))
    return confirmation_id(await cause_of(world))


async def cause_of(world: World) -> UUID:
    """Return the event of the last opt-out that Kafka has."""
    changes = (await world.history()).changes
    return max(changes, key=lambda change: change.created_at).event.cause_event_id


async def texts_on(world: World, phone: str) -> list[str]:
    messages = await world.sandbox.messages(phone)
    return [each["body"] for each in messages if each["account_id"] == world.shop.account.account_id]


async def confirmations_on(world: World, phone: str) -> int:
    return (await texts_on(world, phone)).count(text_of(world))


def request_of(world: World, phone: str, cause: UUID, **forged: Any) -> MessageRequested:
    list_id = world.shop.list_ids[0]
    fields = {
        "account_id": world.shop.account.account_id,
        "message_id": confirmation_id(cause),
        "list_id": list_id,
        "phone": phone,
        "sender_number": world.shop.numbers[list_id],
        "body": text_of(world),
        "confirms_opt_out": cause,
    }
    return MessageRequested(**{**fields, **forged})


async def test_an_opt_out_is_confirmed_once_and_everything_else_stays_silent(confirming: World) -> None:
    world, (phone, other, *_) = confirming, confirming.shop.phones
    message_id = await left(world, phone)
    announced = await world.events.of_message(message_id, "message_dispatching")
    assert isinstance(announced, MessageDispatching)
    assert announced.confirms_opt_out == await cause_of(world)
    await world.events.of_message(message_id, "message_sent")
    for body in ("STOP", "stop please", "wrong number"):
        await world.reply(phone, body)
    await world.outcome(await world.send(phone, world.shop.list_ids[0]), "message_suppressed")
    await produce(world.bootstrap, [request_of(world, phone, announced.confirms_opt_out or UUID(int=0))])  # once more
    await world.arrives(await world.send(other, world.shop.list_ids[1]))
    await world.reply(other, "hello")
    await world.outcome(await world.send(other, world.shop.list_ids[1]), "message_sent")
    assert await confirmations_on(world, phone) == 1
    assert await confirmations_on(world, other) == 0
    await world.settle()


async def test_switched_off_again_there_is_silence(confirming: World) -> None:
    world, phone = confirming, confirming.shop.phones[0]
    await put(world)
    await left(world, phone)
    await world.outcome(await world.send(phone, world.shop.list_ids[0]), "message_suppressed")
    assert len(await texts_on(world, phone)) == 1
    await world.settle()


async def test_what_another_producer_forges_never_leaves(world: World) -> None:
    """The account has it off: nothing that a request says of itself lets it pass."""
    phone, other = world.shop.phones[:2]
    await left(world, phone)
    cause = await cause_of(world)
    forged = [
        request_of(world, phone, cause),
        request_of(world, phone, cause, message_id="confirmation-1"),
        request_of(world, phone, cause, message_id="m-x", body="Buy one, get one. Reply STOP to opt out"),
        request_of(world, phone, UUID(int=7)),
    ]
    await produce(world.bootstrap, forged)
    for each in forged:
        await world.outcome(each, "message_suppressed")
    to_nobody = request_of(world, other, UUID(int=8))
    await produce(world.bootstrap, [to_nobody])
    rejected = await world.events.of_message(to_nobody.message_id, "message_rejected", "message_sent")
    assert isinstance(rejected, MessageRejected)
    assert rejected.reason == "not_confirmable"
    assert len(await texts_on(world, phone)) == 1
    assert await texts_on(world, other) == []
    await world.settle()


async def test_with_it_on_a_forged_second_one_another_text_and_a_late_one_never_leave(confirming: World) -> None:
    world, (phone, *_) = confirming, confirming.shop.phones
    message_id = await left(world, phone)
    await world.events.of_message(message_id, "message_sent")
    cause = await cause_of(world)
    forged = [
        request_of(world, phone, cause, message_id="confirmation-2"),
        request_of(world, phone, cause, message_id="m-y", body=f"{text_of(world)} Come back for 20% off!"),
        request_of(world, phone, cause, message_id="m-z", sender_number=world.shop.numbers[world.shop.list_ids[1]]),
        request_of(world, phone, UUID(int=9)),
    ]
    await produce(world.bootstrap, forged)
    for each in forged:
        await world.outcome(each, "message_suppressed")
    await world.reply(phone, "START")
    await until("the START is decided", lambda: world.is_state("active", phone, world.shop.list_ids[0]))
    again = request_of(world, phone, cause, message_id="confirmation-3")
    await produce(world.bootstrap, [again])
    await world.outcome(again, "message_rejected")
    assert await confirmations_on(world, phone) == 1
    await world.settle()


async def test_a_pipeline_killed_between_postgres_and_kafka_confirms_exactly_once(confirming: World) -> None:
    world, phone, list_id = confirming, confirming.shop.phones[0], confirming.shop.list_ids[0]
    await world.arrives(await world.send(phone, list_id))
    optout = world.service("optout")
    await optout.stop()
    await optout.start(failpoint="optout.after_record_commit=kill@1")
    await world.reply(phone, "STOP")
    assert await optout.wait_exit(60) == -signal.SIGKILL
    await optout.start()
    await until("the STOP is confirmed", lambda: _is(world, phone, 1))
    await world.outcome(await world.send(phone, list_id), "message_suppressed")
    assert await confirmations_on(world, phone) == 1
    await world.settle()


@pytest.mark.parametrize("place", ["sender.after_dispatching_event", "sender.after_carrier_call"])
async def test_a_sender_killed_in_the_call_confirms_at_most_once(place: str, confirming: World) -> None:
    world, phone, list_id = confirming, confirming.shop.phones[0], confirming.shop.list_ids[0]
    await world.arrives(await world.send(phone, list_id))
    sender = world.service("sender")
    await sender.stop()
    await sender.start(failpoint=f"{place}=kill@1")
    await world.reply(phone, "STOP")
    assert await sender.wait_exit(60) == -signal.SIGKILL
    await sender.start()
    message_id = confirmation_id(await cause_of(world))
    await world.events.of_message(message_id, "message_outcome_unknown", "message_sent", timeout_seconds=60)
    await world.outcome(await world.send(phone, list_id), "message_suppressed")
    assert await confirmations_on(world, phone) == (1 if place == "sender.after_carrier_call" else 0)
    assert not [each for each in check(await world.settle()) if each.guarantee in ("G1", "G3", "G6")]


async def _is(world: World, phone: str, count: int) -> bool:
    return await confirmations_on(world, phone) == count
