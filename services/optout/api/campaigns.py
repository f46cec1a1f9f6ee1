"""Campaigns under `/v1`: `/v3/sms-campaigns`, and what ClickSend has no call for: progress, pause and resume."""

from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Path
from pydantic import AwareDatetime, Field, StringConstraints

from services.optout.api import campaign_requests as asked
from services.optout.api.answers_about_sending import CampaignPage, ShownCampaign
from services.optout.api.context import CallerAccountId, CallingUser, Database
from services.optout.api.fields import MAX_ID, Name, PageLimit, RequestBody
from services.optout.api.pages import After, keys_after, page
from services.optout.api.preferences import IdempotencyKey
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.runtime import ApiRuntime
from services.optout.campaigns import store
from services.optout.campaigns.campaign import Campaign
from services.optout.campaigns.outcomes import status_counts
from services.optout.campaigns.store import NewCampaign
from shared.events.base import ListId, format_time
from shared.events.outbound import Purpose
from shared.postgres import Connection

router = APIRouter(route_class=GuardedRoute)

CampaignId: TypeAlias = Annotated[int, Path(ge=1, le=MAX_ID)]


class CampaignBody(RequestBody):
    """A campaign; without `scheduled_at` it starts at once. `purpose` is for the hours at which its messages leave."""

    list_id: ListId
    name: Name
    sender_number: Annotated[str, StringConstraints(max_length=64)]
    body: Annotated[str, StringConstraints(max_length=20_000), Field(description="May have placeholders.")]
    scheduled_at: AwareDatetime | None = None
    purpose: Purpose = "marketing"


@router.post("/v1/campaigns", status_code=201, response_model=ShownCampaign)
async def create_campaign(
    given: CampaignBody,
    user: CallingUser,
    database: Database,
    runtime: ApiRuntime,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Make a campaign; a request that is repeated with its `Idempotency-Key` answers with the same campaign."""
    asked.check_body(given.body)
    new = NewCampaign(
        user.account_id,
        user.subaccount_id,
        given.list_id,
        given.name,
        asked.sender_number(given.sender_number, "sender_number"),
        given.body,
        asked.start_time(given.scheduled_at, "scheduled_at"),
        {},
        given.purpose,
    )
    made = await asked.make(database, new, idempotency_key)
    runtime.campaigns.wake()
    return await _shown(database, made)


@router.get("/v1/campaigns", response_model=CampaignPage)
async def read_campaigns(
    account_id: CallerAccountId,
    database: Database,
    after: After = None,
    limit: PageLimit = 100,
    *,
    newest_first: bool = False,
) -> dict[str, Any]:
    """Return the account's campaigns in the order of their making; the progress of each is in its own answer."""
    (campaign_id,) = keys_after(after, MAX_ID if newest_first else 0)
    read = store.read_before if newest_first else store.read_after
    rows = await read(database, account_id, campaign_id, limit + 1)
    return page("campaigns", rows, limit, lambda row: _summary(Campaign.of(row)), "campaign_id")


@router.get("/v1/campaigns/{campaign_id}", response_model=ShownCampaign)
async def read_campaign(campaign_id: CampaignId, account_id: CallerAccountId, database: Database) -> dict[str, Any]:
    return await _shown(database, await asked.find(database, account_id, campaign_id))


@router.post("/v1/campaigns/{campaign_id}/pause", response_model=ShownCampaign)
async def pause_campaign(campaign_id: CampaignId, account_id: CallerAccountId, database: Database) -> dict[str, Any]:
    """Request nothing more of it from now on; what was requested before is still sent."""
    return await _shown(database, await asked.pause(database, account_id, campaign_id))


@router.post("/v1/campaigns/{campaign_id}/resume", response_model=ShownCampaign)
async def resume_campaign(
    campaign_id: CampaignId, account_id: CallerAccountId, database: Database, runtime: ApiRuntime
) -> dict[str, Any]:
    """Go on where it was paused."""
    resumed = await asked.resume(database, account_id, campaign_id)
    runtime.campaigns.wake()
    return await _shown(database, resumed)


@router.post("/v1/campaigns/{campaign_id}/cancel", response_model=ShownCampaign)
async def cancel_campaign(campaign_id: CampaignId, account_id: CallerAccountId, database: Database) -> dict[str, Any]:
    """End it; what has not left is cancelled, and what is being sent is still sent."""
    return await _shown(database, await asked.cancel(database, account_id, campaign_id))


async def _shown(database: Connection, campaign: Campaign) -> dict[str, Any]:
    progress = {
        "recipients": campaign.total_count,
        "requested": campaign.requested_count,
        "skipped": campaign.skipped_count,
        "messages": await status_counts(database, campaign),
    }
    return {**_summary(campaign), "progress": progress}


def _summary(campaign: Campaign) -> dict[str, Any]:
    return {
        "campaign_id": campaign.campaign_id,
        "list_id": campaign.list_id,
        "name": campaign.name,
        "sender_number": campaign.sender_number,
        "body": campaign.body,
        "purpose": campaign.purpose,
        "state": campaign.state,
        "scheduled_at": format_time(campaign.scheduled_at),
        "created_at": format_time(campaign.created_at),
        "started_at": campaign.started_at and format_time(campaign.started_at),
        "ended_at": campaign.ended_at and format_time(campaign.ended_at),
    }
