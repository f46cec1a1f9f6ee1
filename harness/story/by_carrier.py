"""The part of the story about a carrier that blocks somebody itself, and says so in its response or in a receipt."""

import asyncio
import itertools
from dataclasses import replace
from typing import Any, Literal

from harness.story.claims import StoryClaims, require
from harness.story.stage import SENDER_NUMBER, Stage, any_phone
from shared.events.delivery import AnyDeliveryEvent
from shared.scopes import sender_scope

_SCOPE = sender_scope(SENDER_NUMBER)
_SETTLED = ("message_sent", "message_suppressed", "message_failed", "message_outcome_unknown")
_LISTED_SECONDS = 20.0


async def play_by_carrier(claims: StoryClaims, stage: Stage) -> None:
    """Play it twice, each time with somebody new."""
    for reported_by in ("answer", "receipt"):
        await _blocked(claims, replace(stage, phone=any_phone()), reported_by)


async def _blocked(claims: StoryClaims, stage: Stage, reported_by: Literal["answer", "receipt"]) -> None:
    async with claims.claim(f"what the carrier itself blocks, by its {reported_by}, is on the opt-out list"):
        await stage.sandbox.set_faults(phones=[stage.phone], opted_out=reported_by, receipts=True)
        try:
            await _outcome(stage, "The carrier does not deliver this.")
            found = await _listed(stage)
        finally:
            await stage.sandbox.set_faults()
        require([each["scope"] for each in found] == [_SCOPE], found)
    async with claims.claim("the next message from that number is dropped, until a START to it"):
        dropped = await _outcome(stage, "Nobody is asked to deliver this.")
        require(dropped.type == "message_suppressed", dropped)
        start = await stage.sandbox.reply(
            stage.phone, "START", to=SENDER_NUMBER, account_id=stage.account.account_id, in_reply_to=None
        )
        require(start["status_code"] == 200, start)  # noqa: PLR2004 (HTTP)
        welcome = await _outcome(stage, "Welcome back.")
        require(welcome.type == "message_sent", welcome)


async def _outcome(stage: Stage, text: str) -> AnyDeliveryEvent:
    request = await stage.send(stage.newsletter, text)
    return await stage.events.of_message(request.message_id, *_SETTLED)


async def _listed(stage: Stage) -> list[dict[str, Any]]:
    async with asyncio.timeout(_LISTED_SECONDS):
        for pause_seconds in itertools.repeat(0.05):
            if found := await stage.api.opt_outs(stage.phone):
                return found
            await asyncio.sleep(pause_seconds)
    raise AssertionError("unreachable")
