"""Campaigns: `/v3/sms-campaigns`. What ClickSend has no call for is under `/v1/campaigns`."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from services.optout.api import campaign_requests as asked
from services.optout.api.context import CallerAccountId, CallingUser, Database
from services.optout.api.errors import ApiError
from services.optout.api.preferences import IdempotencyKey
from services.optout.api.rights import ApiUser
from services.optout.api.runtime import ApiRuntime
from services.optout.api.v3.envelope import Envelope, success
from services.optout.api.v3.filters import LAST_SECOND, Filter, FilterFields, as_shown, filter_by_time
from services.optout.api.v3.models import Answer, Currency, Given, GivenSenders, GivenText, PathId
from services.optout.api.v3.paging import AskedPage, Page
from services.optout.api.v3.route import V3Route
from services.optout.campaigns import store
from services.optout.campaigns.campaign import Campaign, CampaignState
from services.optout.campaigns.expand import MAX_TEXT_CHARACTERS
from services.optout.campaigns.members import Audience
from services.optout.campaigns.store import CampaignFilter, NewCampaign
from shared.postgres import Connection

_PATH = "/v3/sms-campaigns"
_ONE = f"{_PATH}/{{sms_campaign_id}}"
_STATUSES: dict[CampaignState, str] = {
    "scheduled": "Scheduled", "running": "Queued", "paused": "Queued", "cancelled": "Cancelled", "done": "Sent",
}  # fmt: skip

_FIELDS = FilterFields(
    {
        "sms_campaign_id": "c.campaign_id",
        "name": "c.name",
        "list_id": "c.list_id",
        "from": "c.sender_number",
        "body": "c.body",
        "status": as_shown("c.state", _STATUSES),
        "schedule": "extract(epoch FROM c.scheduled_at)::bigint",
        "date_added": "extract(epoch FROM c.created_at)::bigint",
    },
    default_order="sms_campaign_id:desc",
    order={"schedule": "c.scheduled_at", "date_added": "c.created_at"},
)

LIST_NAMES = "SELECT list_id, name FROM contact_lists WHERE account_id = $1 AND list_id = ANY($2::bigint[])"

router = APIRouter(route_class=V3Route)

_When = Annotated[int, Field(ge=0, le=LAST_SECOND)]


class CampaignSender(Answer):
    """A sender ID for the recipients of a country."""

    recipient_country_code: str | None = None
    sender_id: str | None = None
    sender_type: str | None = None
    sender_country_code: str | None = None


class SmsCampaign(Answer):
    """A campaign as ClickSend's clients know it."""

    sms_campaign_id: int
    name: str
    user_id: int
    subaccount_id: int
    list_id: int
    sender: str = Field(alias="from")
    body: str
    schedule: int
    status: str
    date_added: int
    custom_string: str | None
    url_to_shorten: str
    unsubscribe_link: int
    source: str | None
    senders: list[CampaignSender]
    total_count: int = Field(alias="_total_count")
    list_name: str = Field(alias="_list_name")


class CampaignChange(Given):
    """A change of a campaign that has not started; what is missing stays."""

    list_id: PathId | None = None
    name: Annotated[GivenText, Field(min_length=1)] | None = None
    sender: GivenText | None = Field(None, alias="from")
    body: Annotated[str, Field(max_length=MAX_TEXT_CHARACTERS)] | None = None
    schedule: _When | None = None


class CampaignToSend(CampaignChange):
    """A campaign; without `schedule`, or with one that is past, it starts at once."""

    list_id: PathId
    name: Annotated[GivenText, Field(min_length=1)]
    body: Annotated[str, Field(max_length=MAX_TEXT_CHARACTERS)]
    source: GivenText | None = None
    custom_string: GivenText | None = None
    senders: GivenSenders | None = None
    url_to_shorten: GivenText | None = None


class CampaignToPrice(Given):
    """A campaign of which only the recipients are counted."""

    list_id: PathId
    name: GivenText | None = None
    sender: GivenText | None = Field(None, alias="from")
    body: Annotated[str, Field(max_length=MAX_TEXT_CHARACTERS)] = ""
    schedule: _When | None = None


class PricedText(Answer):
    """The text that was priced."""

    sender: str = Field(alias="from")
    body: str
    schedule: int


class CampaignPrice(Answer):
    """The number of messages that a campaign would be; Stopline charges nothing for them."""

    total_count: int
    total_price: str
    data: PricedText
    currency: Currency = Field(alias="_currency")


@router.post(f"{_PATH}/send")
async def send_campaign(
    given: CampaignToSend,
    user: CallingUser,
    database: Database,
    runtime: ApiRuntime,
    idempotency_key: IdempotencyKey = None,
) -> Envelope[SmsCampaign]:
    """Send a text to everybody on a list; with an `Idempotency-Key` that is repeated, once."""
    sender = given.sender or next((each.sender_id for each in given.senders or () if each.sender_id), "")
    extra = given.model_dump(include={"source", "custom_string", "senders", "url_to_shorten"}, exclude_none=True)
    new = _new(user, given.list_id, given.name, sender, given.body, given.schedule, extra)
    made = await asked.make(database, new, idempotency_key)
    runtime.campaigns.wake()
    return success("SMS campaign has been created.", await _shown(database, user.user_id, made))


@router.post(f"{_PATH}/price")
async def price_campaign(
    given: CampaignToPrice, account_id: CallerAccountId, database: Database
) -> Envelope[CampaignPrice]:
    number = asked.sender_number(given.sender, "from") if given.sender else ""
    count = await asked.recipients(database, Audience(account_id, given.list_id, number))
    text = PricedText(sender=number, body=given.body, schedule=given.schedule or 0)
    return success(
        "Price for campaign.", CampaignPrice(total_count=count, total_price="0.0000", data=text, currency=Currency())
    )


@router.get(_ONE)
async def read_sms_campaign(sms_campaign_id: PathId, user: CallingUser, database: Database) -> Envelope[SmsCampaign]:
    found = await asked.find(database, user.account_id, sms_campaign_id)
    return success("Here is your campaign.", await _shown(database, user.user_id, found))


@router.put(_ONE)
async def update_campaign(
    sms_campaign_id: PathId, given: CampaignChange, user: CallingUser, database: Database
) -> Envelope[SmsCampaign]:
    """Change a campaign that has not started."""
    old = await asked.find(database, user.account_id, sms_campaign_id)
    when = int(old.scheduled_at.timestamp()) if given.schedule is None else given.schedule
    new = _new(
        user,
        given.list_id or old.list_id,
        given.name or old.name,
        given.sender or old.sender_number,
        old.body if given.body is None else given.body,
        when,
        old.given,
    )
    changed = await asked.change(database, sms_campaign_id, new)
    return success("SMS campaign has been updated.", await _shown(database, user.user_id, changed))


@router.put(f"{_ONE}/cancel")
async def cancel_sms_campaign(sms_campaign_id: PathId, user: CallingUser, database: Database) -> Envelope[SmsCampaign]:
    """Request nothing more of it."""
    cancelled = await asked.cancel(database, user.account_id, sms_campaign_id)
    return success("SMS campaign has been cancelled.", await _shown(database, user.user_id, cancelled))


AskedCampaigns = Annotated[Filter, Depends(filter_by_time(_FIELDS, "c.created_at"))]


@router.get(_PATH)
async def list_sms_campaigns(
    user: CallingUser, database: Database, paging: AskedPage, only: AskedCampaigns
) -> Envelope[Page[SmsCampaign]]:
    """Return the account's campaigns, the newest first where nothing else is asked for."""
    chosen = CampaignFilter(user.account_id, only.where, only.values, only.order)
    found, total = await store.read_page(database, chosen, paging.offset, paging.limit)
    names = await _list_names(database, user.account_id, [each.list_id for each in found])
    rows = [_campaign(user.user_id, each, names.get(each.list_id, "")) for each in found]
    return success("Here are your campaigns.", paging.of(rows, total))


def _new(  # noqa: PLR0913, PLR0917 (a campaign has as many fields)
    user: ApiUser, list_id: int, name: str, sender: str, body: str, schedule: int | None, extra: Any
) -> NewCampaign:
    if not sender:
        raise ApiError(422, "missing", "from: name the number or sender ID that it is sent from", "from")
    asked.check_body(body)
    number = asked.sender_number(sender, "from")
    when = asked.start_time(_moment(schedule), "schedule")
    return NewCampaign(user.account_id, user.subaccount_id, list_id, name, number, body, when, extra)


def _moment(unix_seconds: int | None) -> datetime | None:
    return None if unix_seconds is None else datetime.fromtimestamp(min(unix_seconds, 253_402_214_400), UTC)


async def _shown(database: Connection, user_id: int, campaign: Campaign) -> SmsCampaign:
    names = await _list_names(database, campaign.account_id, [campaign.list_id])
    return _campaign(user_id, campaign, names.get(campaign.list_id, ""))


async def _list_names(database: Connection, account_id: str, list_ids: list[int]) -> dict[int, str]:
    return {row["list_id"]: row["name"] for row in await database.fetch(LIST_NAMES, account_id, list_ids)}


def _campaign(user_id: int, campaign: Campaign, list_name: str) -> SmsCampaign:
    return SmsCampaign(
        sms_campaign_id=campaign.campaign_id,
        name=campaign.name,
        user_id=user_id,
        subaccount_id=campaign.subaccount_id or user_id,
        list_id=campaign.list_id,
        sender=campaign.sender_number,
        body=campaign.body,
        schedule=int(campaign.scheduled_at.timestamp()),
        status=_STATUSES[campaign.state],
        date_added=int(campaign.created_at.timestamp()),
        custom_string=campaign.given.get("custom_string"),
        url_to_shorten=campaign.given.get("url_to_shorten", ""),
        unsubscribe_link=0,
        source=campaign.given.get("source"),
        senders=[CampaignSender(**each) for each in campaign.given.get("senders", ())],
        total_count=campaign.total_count,
        list_name=list_name,
    )
