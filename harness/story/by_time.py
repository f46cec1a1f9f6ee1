"""The part of the story about a message for later: it is decided when it leaves, not when it was requested."""

from dataclasses import replace

from harness.story.claims import StoryClaims, require
from harness.story.stage import Stage, any_phone

_AHEAD_SECONDS = 3.0
_SETTLED = ("message_sent", "message_suppressed", "message_failed", "message_outcome_unknown", "message_rejected")


async def play_by_time(claims: StoryClaims, stage: Stage) -> None:
    """Play it with somebody new."""
    stage = replace(stage, phone=any_phone())
    first = await stage.send(stage.newsletter, "Hello.")
    await stage.events.of_message(first.message_id, "message_sent")
    async with claims.claim("a scheduled message that a STOP overtakes is dropped when its time comes"):
        request = await stage.send_later(stage.newsletter, "Our sale begins.", _AHEAD_SECONDS)
        waiting = await stage.events.of_message(request.message_id, "message_waiting", *_SETTLED)
        require(waiting.type == "message_waiting", waiting)
        stop = await stage.sandbox.reply(stage.phone, "STOP")
        require(stop["status_code"] == 200, stop)  # noqa: PLR2004 (HTTP)
        event = await stage.events.of_message(request.message_id, *_SETTLED)
        require(event.type == "message_suppressed", event)
        require(request.message_id not in await stage.received_ids(), "the phone has the message")
