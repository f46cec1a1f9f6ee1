"""The part of the story about a STOP whose webhook never came: it is read at the gateway."""

import asyncio

from harness.story.claims import StoryClaims, require
from harness.story.stage import Stage

_READ_SECONDS = 30.0
_LOOK_SECONDS = 0.1
_SETTLED = ("message_sent", "message_suppressed", "message_failed", "message_outcome_unknown", "message_rejected")


async def play_catching_up(claims: StoryClaims, stage: Stage) -> None:
    """Play it once, with a recipient of their own; the gateway posts no webhook twice meanwhile."""
    async with claims.claim("a STOP that came while inbound was down, and is not posted again, is read at the gateway"):
        await stage.api.add_contacts(stage.newsletter, [stage.phone])
        first = await stage.send(stage.newsletter, "Before the outage.")
        await stage.events.of_message(first.message_id, "message_sent")
        await _stop_in_an_outage(stage)
        async with asyncio.timeout(_READ_SECONDS):
            while await stage.api.contact_status(stage.newsletter, stage.phone) != "opted_out":  # noqa: ASYNC110 (it happens in other processes)
                await asyncio.sleep(_LOOK_SECONDS)
        second = await stage.send(stage.newsletter, "After the outage.")
        event = await stage.events.of_message(second.message_id, *_SETTLED)
        require(event.type == "message_suppressed", event)


async def _stop_in_an_outage(stage: Stage) -> None:
    await stage.control("stop", "inbound")
    try:
        await stage.sandbox.set_faults(webhook_retries=0)
        lost = await stage.sandbox.reply(stage.phone, "Stop")
        require(lost["status_code"] is None, lost)
    finally:
        await stage.sandbox.set_faults()
        await stage.control("start", "inbound")
