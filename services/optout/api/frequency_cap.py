"""The frequency cap of an account: how many messages one recipient gets within some hours. The sender counts."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from services.optout.api.answers_about_sending import ShownFrequencyCap
from services.optout.api.context import CallerAccountId, Database
from services.optout.api.fields import RequestBody
from services.optout.api.request_limits import GuardedRoute
from services.optout.decision_log.frequency_caps import load_frequency_caps
from shared.events.suppression import MAX_CAP_HOURS, MAX_CAP_MESSAGES, FrequencyCap, FrequencyPolicy
from shared.postgres import Connection

_SET = "UPDATE accounts SET frequency_cap = $2::jsonb WHERE account_id = $1"

router = APIRouter(route_class=GuardedRoute)


class GivenFrequencyCap(RequestBody):
    """The cap: `messages` within `hours` for each recipient, from each list where `per_list`; without it, no cap."""

    messages: Annotated[int, Field(ge=1, le=MAX_CAP_MESSAGES)] | None = None
    hours: Annotated[int, Field(ge=1, le=MAX_CAP_HOURS)] = 24
    per_list: bool = False
    policy: FrequencyPolicy = "wait"
    exempts_conversational: bool = False
    exempts_transactional: bool = False


@router.get("/v1/account/frequency-cap", response_model=ShownFrequencyCap)
async def read_frequency_cap(account_id: CallerAccountId, database: Database) -> dict[str, Any]:
    """Return how often the account messages one recipient; `messages` is null where it has no cap."""
    return await _shown(database, account_id)


@router.put("/v1/account/frequency-cap", response_model=ShownFrequencyCap)
async def change_frequency_cap(
    given: GivenFrequencyCap, account_id: CallerAccountId, database: Database
) -> dict[str, Any]:
    """Set how often the account messages one recipient; it holds for every message that is decided from then on."""
    cap = None if given.messages is None else FrequencyCap.model_validate(given.model_dump())
    await database.execute(_SET, account_id, None if cap is None else cap.model_dump_json())
    return await _shown(database, account_id)


async def _shown(database: Connection, account_id: str) -> dict[str, Any]:
    cap = (await load_frequency_caps(database, [account_id])).get(account_id)
    return {"messages": None, **GivenFrequencyCap().model_dump()} if cap is None else cap.model_dump()
