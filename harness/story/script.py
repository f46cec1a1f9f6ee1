"""The story itself: its claims, in the order in which they are shown."""

from dataclasses import replace
from typing import Any

from harness.client import produce
from harness.story.by_api import play_by_api
from harness.story.by_carrier import play_by_carrier
from harness.story.by_catching_up import play_catching_up
from harness.story.by_confirmation import play_by_confirmation
from harness.story.by_link import play_by_link
from harness.story.by_time import play_by_time
from harness.story.claims import StoryClaims, require
from harness.story.signed_webhooks import play_signed_webhooks
from harness.story.stage import INSTRUCTION, Stage, any_phone
from shared.events.delivery import MessageSuppressed
from shared.events.outbound import MessageRequested
from shared.scopes import list_scope

QUEUED_MESSAGES = 1000
_QUEUE_SECONDS = 60.0
NO_LIST = 2**53 - 1
SETTLED = ("message_sent", "message_suppressed", "message_failed", "message_outcome_unknown", "message_rejected")


async def play(claims: StoryClaims, stage: Stage) -> None:
    """Play the story of an opt-out once; before and after it, the recipient is on both lists and opted in."""
    first = await _message_arrives(claims, stage)
    stop = await _stop(claims, stage, first)
    await _consequences(claims, stage, first)
    await _repeated_webhook(claims, stage, stop)
    await _start(claims, stage)
    await _gate(claims, stage)
    await play_by_api(claims, stage)
    await play_by_carrier(claims, stage)
    await play_signed_webhooks(claims, stage)
    await play_by_link(claims, stage)
    await play_by_time(claims, stage)
    await play_catching_up(claims, replace(stage, phone=any_phone()))
    await play_by_confirmation(claims, stage)
    await _queue(claims, stage)


async def _message_arrives(claims: StoryClaims, stage: Stage) -> MessageRequested:
    first = stage.request(stage.newsletter, "Hello from the newsletter.")
    async with claims.claim("a message with an instruction to opt out reaches the phone", is_needed=True):
        await produce(stage.kafka, [first])
        await stage.events.of_message(first.message_id, "message_sent")
        bodies = [m["body"] for m in await stage.sandbox.messages(stage.phone) if m["message_id"] == first.message_id]
        require(len(bodies) == 1 and INSTRUCTION in bodies[0], bodies)
    return first


async def _stop(claims: StoryClaims, stage: Stage, first: MessageRequested) -> dict[str, Any]:
    reply: dict[str, Any] = {}
    async with claims.claim('the phone replies "Stop" through the ClickSend webhook', is_needed=True):
        reply = await stage.sandbox.reply(stage.phone, "Stop")
        require(reply["status_code"] == 200, reply)  # noqa: PLR2004 (HTTP)
        require(reply["form"]["custom_string"] == first.message_id, reply["form"])
    return reply


async def _consequences(claims: StoryClaims, stage: Stage, first: MessageRequested) -> None:
    before: list[str] = []
    async with claims.claim("a second message for that list is dropped, with an event that says why"):
        before = await stage.received_ids()
        second = await stage.send(stage.newsletter, "A second message.")
        event = await stage.events.of_message(second.message_id, *SETTLED)
        why = (event.scope, event.state) if isinstance(event, MessageSuppressed) else None
        require(why == (list_scope(stage.newsletter), "opted_out"), event)
    async with claims.claim("the number has left that list"):
        status = await stage.api.contact_status(stage.newsletter, stage.phone)
        require(status == "opted_out", status)
    async with claims.claim("it is on the opt-out list with the reply that caused it"):
        mine = [o for o in await stage.api.opt_outs(stage.phone) if o["list_id"] == stage.newsletter]
        require(len(mine) == 1 and mine[0]["cause"]["body"] == "Stop", mine)
        require(mine[0]["cause"]["message_id"] == first.message_id, mine)
    async with claims.claim("the phone got no answer to its STOP"):
        require(await stage.received_ids() == before, await stage.received_ids())
    async with claims.claim("a message for another list of the same account still arrives"):
        other = await stage.send(stage.receipts, "Your receipt.")
        await stage.events.of_message(other.message_id, "message_sent")
        require(other.message_id in await stage.received_ids(), await stage.received_ids())


async def _repeated_webhook(claims: StoryClaims, stage: Stage, stop: dict[str, Any]) -> None:
    async with claims.claim("the same webhook sent again changes nothing"):
        before = await stage.api.opt_outs(stage.phone), await stage.api.inbox(stage.phone)
        again = await stage.sandbox.reply(
            stage.phone,
            "Stop",
            message_id=stop["form"]["message_id"],
            timestamp=int(stop["form"]["timestamp"]),
            in_reply_to=stop["form"]["original_message_id"],
        )
        require(again["status_code"] == 200, again)  # noqa: PLR2004 (HTTP)
        dropped = await stage.send(stage.newsletter, "After the repeated webhook.")
        event = await stage.events.of_message(dropped.message_id, *SETTLED)
        after = await stage.api.opt_outs(stage.phone), await stage.api.inbox(stage.phone)
        require(event.type == "message_suppressed" and before == after, (event, before, after))


async def _start(claims: StoryClaims, stage: Stage) -> None:
    async with claims.claim("START puts it on that list again"):
        reply = await stage.sandbox.reply(stage.phone, "START")
        require(reply["status_code"] == 200, reply)  # noqa: PLR2004 (HTTP)
        welcome = await stage.send(stage.newsletter, "Welcome back.")
        event = await stage.events.of_message(welcome.message_id, *SETTLED)
        require(event.type == "message_sent", event)
        require(welcome.message_id in await stage.received_ids(), await stage.received_ids())
        require(
            await stage.api.contact_status(stage.newsletter, stage.phone) == "active", "the contact is still opted out"
        )


async def _gate(claims: StoryClaims, stage: Stage) -> None:
    async with claims.claim("a message without a way out is rejected, and the event says how to fix it"):
        event = await stage.rejected(stage.newsletter, "Sale today.")
        require(event.reason == "no_way_out" and "Reply STOP to opt out" in event.detail, event)
    async with claims.claim("so is one that names a word that no opt-out rule matches"):
        event = await stage.rejected(stage.newsletter, "Sale today. Reply BANANA to opt out")
        require(event.reason == "word_without_rule", event)
    async with claims.claim("a message to a list that does not exist is rejected"):
        event = await stage.rejected(NO_LIST, f"Sale today. {INSTRUCTION}")
        require(event.reason == "unknown_list", event)


async def _queue(claims: StoryClaims, stage: Stage) -> None:
    async with claims.claim(f"of {QUEUED_MESSAGES:,} messages queued before a STOP and decided after it, none arrives"):
        await stage.control("stop", "sender")
        try:
            queued = [stage.request(stage.newsletter, f"Queued {n}.") for n in range(QUEUED_MESSAGES)]
            await produce(stage.kafka, queued)
            stop = await stage.sandbox.reply(stage.phone, "stop")
            require(stop["status_code"] == 200, stop)  # noqa: PLR2004 (HTTP)
        finally:
            await stage.control("start", "sender")
        for request in queued:
            event = await stage.events.of_message(request.message_id, *SETTLED, timeout_seconds=_QUEUE_SECONDS)
            require(event.type == "message_suppressed", event)
        arrived = {request.message_id for request in queued} & set(await stage.received_ids())
        require(not arrived, f"{len(arrived)} messages on the phone")
    async with claims.claim("another START puts the number on that list again"):
        await stage.sandbox.reply(stage.phone, "START")
        welcome = await stage.send(stage.newsletter, "Welcome back again.")
        event = await stage.events.of_message(welcome.message_id, *SETTLED)
        require(event.type == "message_sent", event)
