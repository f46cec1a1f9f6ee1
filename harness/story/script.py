"""The story itself: what is claimed, in the order in which it happens."""

from typing import Any

from harness.client import produce
from harness.story.claims import Claims, require
from harness.story.world import INSTRUCTION, World
from shared.events.delivery import MessageSuppressed
from shared.events.outbound import MessageRequested

QUEUED_MESSAGES = 1000
_QUEUE_SECONDS = 60.0
SETTLED = ("message_sent", "message_suppressed", "message_failed", "message_outcome_unknown", "message_rejected")


async def play(claims: Claims, world: World) -> None:
    """Play one whole life of an opt-out; the person is on both lists and opted in before and after."""
    first = await _message_arrives(claims, world)
    stop = await _stop(claims, world, first)
    await _consequences(claims, world, first)
    await _repeated_webhook(claims, world, stop)
    await _start(claims, world)
    await _queue(claims, world)


async def _message_arrives(claims: Claims, world: World) -> MessageRequested:
    first = world.request(world.newsletter, "Hello from the newsletter.")
    async with claims.claim("a message with a way out reaches the phone", is_needed=True):
        await produce(world.kafka, [first])
        await world.events.of_message(first.message_id, "message_sent")
        bodies = [m["body"] for m in await world.sandbox.messages(world.phone) if m["message_id"] == first.message_id]
        require(len(bodies) == 1 and INSTRUCTION in bodies[0], bodies)
    return first


async def _stop(claims: Claims, world: World, first: MessageRequested) -> dict[str, Any]:
    reply: dict[str, Any] = {}
    async with claims.claim('the phone replies "Stop" through the ClickSend webhook', is_needed=True):
        reply = await world.sandbox.reply(world.phone, "Stop")
        require(reply["status_code"] == 200, reply)  # noqa: PLR2004 (HTTP)
        require(reply["form"]["custom_string"] == first.message_id, reply["form"])
    return reply


async def _consequences(claims: Claims, world: World, first: MessageRequested) -> None:
    before: list[str] = []
    async with claims.claim("a second message for that list is dropped, with an event that says why"):
        before = await world.received_ids()
        second = await world.send(world.newsletter, "A second message.")
        event = await world.events.of_message(second.message_id, *SETTLED)
        why = (event.scope, event.state) if isinstance(event, MessageSuppressed) else None
        require(why == (f"list:{world.newsletter}", "opted_out"), event)
    async with claims.claim("the number has left that list"):
        status = await world.api.contact_status(world.newsletter, world.phone)
        require(status == "opted_out", status)
    async with claims.claim("it stands on the opt-out list with the message that caused it"):
        mine = [o for o in await world.api.opt_outs(world.phone) if o["list_id"] == world.newsletter]
        require(len(mine) == 1 and mine[0]["cause"]["body"] == "Stop", mine)
        require(mine[0]["cause"]["message_id"] == first.message_id, mine)
    async with claims.claim("the phone got no answer to its STOP"):
        require(await world.received_ids() == before, await world.received_ids())
    async with claims.claim("a message for another list of the same account still arrives"):
        other = await world.send(world.receipts, "Your receipt.")
        await world.events.of_message(other.message_id, "message_sent")
        require(other.message_id in await world.received_ids(), await world.received_ids())


async def _repeated_webhook(claims: Claims, world: World, stop: dict[str, Any]) -> None:
    async with claims.claim("the same webhook sent again changes nothing"):
        before = await world.api.opt_outs(world.phone), await world.api.inbox(world.phone)
        again = await world.sandbox.reply(
            world.phone,
            "Stop",
            message_id=stop["form"]["message_id"],
            timestamp=int(stop["form"]["timestamp"]),
            in_reply_to=stop["form"]["original_message_id"],
        )
        require(again["status_code"] == 200, again)  # noqa: PLR2004 (HTTP)
        dropped = await world.send(world.newsletter, "After the repeated webhook.")
        event = await world.events.of_message(dropped.message_id, *SETTLED)
        after = await world.api.opt_outs(world.phone), await world.api.inbox(world.phone)
        require(event.type == "message_suppressed" and before == after, (event, before, after))


async def _start(claims: Claims, world: World) -> None:
    async with claims.claim("START brings it back"):
        reply = await world.sandbox.reply(world.phone, "START")
        require(reply["status_code"] == 200, reply)  # noqa: PLR2004 (HTTP)
        welcome = await world.send(world.newsletter, "Welcome back.")
        event = await world.events.of_message(welcome.message_id, *SETTLED)
        require(event.type == "message_sent", event)
        require(welcome.message_id in await world.received_ids(), await world.received_ids())
        require(
            await world.api.contact_status(world.newsletter, world.phone) == "active", "the contact still opted out"
        )


async def _queue(claims: Claims, world: World) -> None:
    async with claims.claim(f"{QUEUED_MESSAGES:,} messages queued before a STOP and decided after it: none arrives"):
        await world.control("stop", "sender")
        try:
            queued = [world.request(world.newsletter, f"Queued {n}.") for n in range(QUEUED_MESSAGES)]
            await produce(world.kafka, queued)
            stop = await world.sandbox.reply(world.phone, "stop")
            require(stop["status_code"] == 200, stop)  # noqa: PLR2004 (HTTP)
        finally:
            await world.control("start", "sender")
        for request in queued:
            event = await world.events.of_message(request.message_id, *SETTLED, timeout_seconds=_QUEUE_SECONDS)
            require(event.type == "message_suppressed", event)
        arrived = {request.message_id for request in queued} & set(await world.received_ids())
        require(not arrived, f"{len(arrived)} messages on the phone")
    async with claims.claim("START after that brings the number back once more"):
        await world.sandbox.reply(world.phone, "START")
        welcome = await world.send(world.newsletter, "Welcome back again.")
        event = await world.events.of_message(welcome.message_id, *SETTLED)
        require(event.type == "message_sent", event)
