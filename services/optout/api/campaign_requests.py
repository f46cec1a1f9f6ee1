"""Requests about campaigns, of `/v1` and `/v3`: made once for each key, changed while they wait, paused, cancelled."""

from datetime import UTC, datetime, timedelta
from typing import Literal

from services.optout.api import gate_checks
from services.optout.api.errors import ApiError
from services.optout.campaigns import store
from services.optout.campaigns.campaign import Campaign, CampaignState
from services.optout.campaigns.expand import MAX_TEXT_CHARACTERS
from services.optout.campaigns.members import MAX_RECIPIENTS, Audience, count_members
from services.optout.campaigns.store import NewCampaign
from services.optout.sending.cancel import ask_to_cancel_campaign
from shared.phones.event_fields import normalise_sender_number
from shared.postgres import Connection

MAX_AHEAD = timedelta(days=366)
_BEFORE: dict[CampaignState, tuple[CampaignState, ...]] = {
    "paused": ("scheduled", "running"),
    "cancelled": ("scheduled", "running", "paused"),
}

_LIST = "SELECT kind FROM contact_lists WHERE account_id = $1 AND list_id = $2 AND deleted_at IS NULL"


def sender_number(text: str, field: str) -> str:
    """Return the sender number that a campaign names.

    Raises:
        ApiError: 422, it is not one.
    """
    try:
        return normalise_sender_number(text)
    except ValueError as error:
        raise ApiError(422, "invalid", f"{field}: {error}", field) from None


def check_body(text: str) -> None:
    """Refuse a text that nobody could be sent.

    Raises:
        ApiError: 422.
    """
    if not text.strip():
        raise ApiError(422, "invalid", "body: write a text", "body")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise ApiError(422, "invalid", f"body: a text has up to {MAX_TEXT_CHARACTERS} characters, ten segments", "body")


def start_time(moment: datetime | None, field: str) -> datetime | None:
    """Return when a campaign starts; None, also for a time that is past: at once.

    Raises:
        ApiError: 422, it is too far ahead.
    """
    now = datetime.now(UTC)
    if moment is None or moment <= now:
        return None
    if moment > now + MAX_AHEAD:
        raise ApiError(422, "invalid", f"{field}: a campaign starts within {MAX_AHEAD.days} days", field)
    return moment


async def make(connection: Connection, new: NewCampaign, key: str | None) -> Campaign:
    """Return the new campaign, or the one that was made with the same key before.

    Raises:
        ApiError: 409, the key belongs to another request, or there are too many campaigns; 422, there is no such list,
            it is too large, or not one to send to, or the text has no way out that works.
    """
    async with connection.transaction():
        if key is not None:
            known = await _known(connection, new, key)
            if known is not None:
                return known
        total = await recipients(connection, Audience(new.account_id, new.list_id, new.sender_number))
        await gate_checks.check_body(connection, new.account_id, new.body, new.sender_number)
        try:
            return await store.add(connection, new, total, key)
        except store.TooManyCampaignsError:
            message = f"the account has {store.MAX_UNFINISHED} campaigns that have not ended; cancel one first"
            raise ApiError(409, "too_many_campaigns", message) from None


async def _known(connection: Connection, new: NewCampaign, key: str) -> Campaign | None:
    try:
        return await store.find(connection, new, key)
    except store.OtherRequestError:
        message = "Idempotency-Key: a campaign with other content was made with this key; use a new key"
        raise ApiError(409, "other_request", message, "Idempotency-Key") from None


async def recipients(connection: Connection, audience: Audience) -> int:
    """Return how many would get a campaign; raises as `make` does."""
    kind = await connection.fetchval(_LIST, audience.account_id, audience.list_id)
    if kind is None:
        message = f"list_id: there is no list {audience.list_id}; GET /v1/lists shows yours"
        raise ApiError(422, "not_found", message, "list_id")
    if kind == "opt_outs":
        raise ApiError(422, "invalid", "list_id: nobody on the opt-out list is sent anything", "list_id")
    count = await count_members(connection, audience)
    if count > MAX_RECIPIENTS:
        message = f"list_id: a campaign has up to {MAX_RECIPIENTS:,} recipients; divide the list"
        raise ApiError(422, "too_many_recipients", message, "list_id")
    return count


async def find(connection: Connection, account_id: str, campaign_id: int, *, lock: bool = False) -> Campaign:
    """Return the campaign.

    Raises:
        ApiError: 404, the account has none of that id.
    """
    campaign = await store.read(connection, account_id, campaign_id, lock=lock)
    if campaign is None:
        message = f"there is no campaign {campaign_id}; GET /v1/campaigns shows yours"
        raise ApiError(404, "not_found", message, "campaign_id")
    return campaign


async def change(connection: Connection, campaign_id: int, new: NewCampaign) -> Campaign:
    """Return the campaign with other content.

    Raises:
        ApiError: 404; 409, it has started or ended; as `make` for the list.
    """
    async with connection.transaction():
        campaign = await find(connection, new.account_id, campaign_id, lock=True)
        if campaign.state != "scheduled":
            raise _not_possible(campaign, "changed")
        total = await recipients(connection, Audience(new.account_id, new.list_id, new.sender_number))
        await gate_checks.check_body(connection, new.account_id, new.body, new.sender_number)
        return await store.change(connection, campaign_id, new, total)


async def pause(connection: Connection, account_id: str, campaign_id: int) -> Campaign:
    """Return the campaign, of which nothing more is requested from now on; raises as `cancel`."""
    return await _end_in(connection, account_id, campaign_id, "paused")


async def resume(connection: Connection, account_id: str, campaign_id: int) -> Campaign:
    """Return the campaign, which goes on where it was paused; raises as `cancel`."""
    async with connection.transaction():
        campaign = await find(connection, account_id, campaign_id, lock=True)
        if campaign.state in ("scheduled", "running"):
            return campaign
        if campaign.state != "paused":
            raise _not_possible(campaign, "resumed")
        return await store.set_state(connection, campaign, "running" if campaign.started_at else "scheduled")


async def cancel(connection: Connection, account_id: str, campaign_id: int) -> Campaign:
    """Return the campaign, of which nothing more is requested ever; what has not left is cancelled.

    One of which everything is requested can be cancelled as long as some of it waits.

    Raises:
        ApiError: 404; 409, it has ended.
    """
    async with connection.transaction():
        campaign = await find(connection, account_id, campaign_id, lock=True)
        asked = await ask_to_cancel_campaign(connection, account_id, campaign_id)
        if campaign.state == "done" and asked:
            return await store.set_state(connection, campaign, "cancelled")
        return await _end_in(connection, account_id, campaign_id, "cancelled")


async def _end_in(
    connection: Connection, account_id: str, campaign_id: int, state: Literal["paused", "cancelled"]
) -> Campaign:
    async with connection.transaction():
        campaign = await find(connection, account_id, campaign_id, lock=True)
        if campaign.state == state:
            return campaign
        if campaign.state not in _BEFORE[state]:
            raise _not_possible(campaign, state)
        return await store.set_state(connection, campaign, state)


def _not_possible(campaign: Campaign, what: str) -> ApiError:
    message = f"campaign {campaign.campaign_id} is {campaign.state}, so that it cannot be {what}"
    return ApiError(409, "wrong_state", message, "campaign_id")
