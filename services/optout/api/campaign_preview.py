"""The preview of a campaign while it is written: how its text is carried, what the gate says, who gets it, the cost."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import asyncpg
from fastapi import APIRouter
from pydantic import AfterValidator, StringConstraints

from services.optout.api import campaign_requests as asked
from services.optout.api.answers_about_sending import PreviewedCampaign
from services.optout.api.context import CallerAccountId, Database
from services.optout.api.fields import MAX_ID, RequestBody, without_nul
from services.optout.api.gate_checks import early_verdict
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.runtime import ApiRuntime
from services.optout.api.turns import AccountTurns
from services.optout.campaigns.expand import MAX_TEXT_CHARACTERS
from services.optout.campaigns.members import Audience, Member, next_members
from services.optout.campaigns.personalise import personalised
from services.optout.decision_log.gate_settings import load_gate_settings
from shared.events.base import ListId
from shared.gate import GateSettings, Rejection
from shared.opt_out_links import TOKEN_CHARACTERS, with_link
from shared.postgres import Connection
from shared.segments import segments_of

_EXAMINED = 50
"""Members whose texts are written to see how long they get."""
_SHOWN = 3
_COUNT_MS = 2_000
"""Whoever writes a text asks again with every word: a list that takes longer to count is not counted."""
_TURNS = AccountTurns("previewing a campaign")

router = APIRouter(route_class=GuardedRoute)


class DraftCampaign(RequestBody):
    """A campaign as far as it is written."""

    list_id: ListId
    sender_number: Annotated[str, StringConstraints(max_length=64)]
    body: Annotated[str, StringConstraints(max_length=20_000), AfterValidator(without_nul)]


@router.post("/v1/campaigns/preview", response_model=PreviewedCampaign)
async def preview_campaign(
    draft: DraftCampaign, account_id: CallerAccountId, database: Database, runtime: ApiRuntime
) -> dict[str, Any]:
    """Say what a campaign would be; nothing is made. `rejection` is in the gate's own words."""
    asked.check_body(draft.body)
    sender_number = asked.sender_number(draft.sender_number, "sender_number")
    audience = Audience(account_id, draft.list_id, sender_number)
    with _TURNS.turn(account_id):
        recipients = await _counted(database, audience)
    gate_settings = (await load_gate_settings(database, [account_id]))[account_id]
    members = await next_members(database, audience, 0, MAX_ID, _EXAMINED)
    link_url = runtime.settings.link_url
    texts = await asyncio.to_thread(_texts, draft.body, members, sender_number, gate_settings, link_url)
    own = early_verdict(draft.body, sender_number, gate_settings)
    rejected = isinstance(own, Rejection)
    sent = _linked(draft.body if isinstance(own, Rejection) else own, link_url)
    size = segments_of(sent)
    counts = [each["segments"] for each in texts] or [size.number]
    return {
        "recipients": recipients,
        "text": sent,
        "encoding": size.encoding,
        "units": size.units,
        "segments": size.number,
        "unusual_characters": _unusual(sent),
        "instruction_is_appended": not rejected and own != draft.body,
        "rejection": {"reason": own.reason, "detail": own.detail} if isinstance(own, Rejection) else None,
        "examined": len(members),
        "skipped": len(members) - len(texts),
        "segments_least": min(counts),
        "segments_most": max(counts),
        "segments_of_all": None if recipients is None else round(recipients * sum(counts) / len(counts)),
        "examples": texts[:_SHOWN],
    }


async def _counted(database: Connection, audience: Audience) -> int | None:
    """Return how many would get it; None: counting takes too long.

    Raises:
        ApiError: 422, there is no such list, or it is not one to send to.
    """
    try:
        async with database.transaction():
            await database.execute(f"SET LOCAL statement_timeout = {_COUNT_MS}")
            return await asked.recipients(database, audience)
    except asyncpg.QueryCanceledError:
        return None


def _texts(
    body: str, members: Sequence[Member], sender_number: str, gate_settings: GateSettings, link_url: str | None
) -> list[dict[str, Any]]:
    """Return the texts of members who would get one, as they would be sent."""
    texts = []
    for member in members:
        text = personalised(body, member.phone, member.fields, MAX_TEXT_CHARACTERS)
        if text.strip() and len(text) <= MAX_TEXT_CHARACTERS:
            passed = early_verdict(text, sender_number, gate_settings)
            sent = _linked(text if isinstance(passed, Rejection) else passed, link_url)
            texts.append({"phone": member.phone, "text": sent, "segments": segments_of(sent).number})
    return texts


def _linked(text: str, link_url: str | None) -> str:
    """Return the text with a link as long as a real one in each place for it."""
    return text if link_url is None else with_link(text, link_url, "x" * TOKEN_CHARACTERS)


def _unusual(text: str) -> list[str]:
    """Return the characters because of which a text is not in the GSM alphabet, each once."""
    return [each for each in dict.fromkeys(text) if segments_of(each).encoding == "ucs2"][:20]
