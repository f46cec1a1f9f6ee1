"""The part of the story about the one answer to an opt-out: off by default, and once where it is switched on."""

from dataclasses import replace
from uuid import UUID

from harness.client import produce
from harness.story.claims import StoryClaims, require
from harness.story.stage import Stage, any_phone

_COUNTRY = "CA"
_SETTLED = ("message_sent", "message_suppressed", "message_failed", "message_outcome_unknown", "message_rejected")


async def play_by_confirmation(claims: StoryClaims, stage: Stage) -> None:
    """Play it with somebody new; afterwards nothing is confirmed any more."""
    stage = replace(stage, phone=any_phone())
    text = f"{stage.account.account_id}: you are opted out and get no more messages."
    first = await stage.send(stage.newsletter, "Hello.")
    await stage.events.of_message(first.message_id, "message_sent")
    async with claims.claim("where an account confirms opt-outs (off by default), a STOP is answered exactly once"):
        await stage.api.confirm_opt_outs([{"country": _COUNTRY, "text": text}])
        try:
            await stage.sandbox.reply(stage.phone, "STOP")
            await stage.sandbox.wait_for_message(stage.phone, lambda message: message["body"] == text)
            await stage.sandbox.reply(stage.phone, "STOP")
            dropped = await stage.send(stage.newsletter, "A second message.")
            event = await stage.events.of_message(dropped.message_id, *_SETTLED)
            require(event.type == "message_suppressed", event)
            bodies = [message["body"] for message in await stage.sandbox.messages(stage.phone)]
            require(bodies == [first.body, text], bodies)
        finally:
            await stage.api.confirm_opt_outs([])
    async with claims.claim("the same answer, asked for by any other producer, is never sent"):
        (opt_out,) = await stage.api.opt_outs(stage.phone)
        cause = UUID(opt_out["cause"]["event_id"])
        forged = stage.request(stage.newsletter, "").model_copy(update={"body": text, "confirms_opt_out": cause})
        await produce(stage.kafka, [forged])
        event = await stage.events.of_message(forged.message_id, *_SETTLED)
        require(event.type == "message_suppressed", event)
