"""The hours at which an account's messages may reach their recipients. The sender keeps them."""

from fastapi import APIRouter

from services.optout.api.answers_about_sending import ShownSendingHours
from services.optout.api.context import CallerAccountId, Database
from services.optout.api.fields import KnownZone, RequestBody
from services.optout.api.request_limits import GuardedRoute
from services.optout.decision_log.sending_hours import load_sending_hours, set_sending_hours
from shared.fair_hours.sending_hours import OFF, AppliesTo, OwnHours, SendingHours

router = APIRouter(route_class=GuardedRoute)


class GivenSendingHours(RequestBody):
    """The settings, as `SendingHours` has them; what is left out gets its default."""

    applies_to: AppliesTo
    own: OwnHours | None = None
    elsewhere: OwnHours | None = OFF.elsewhere
    default_zone: KnownZone = OFF.default_zone


@router.get("/v1/account/sending-hours", response_model=ShownSendingHours)
async def read_sending_hours(account_id: CallerAccountId, database: Database) -> SendingHours:
    """Return which messages keep the hours of countries and states, and the account's own hours."""
    return (await load_sending_hours(database, [account_id])).get(account_id, OFF)


@router.put("/v1/account/sending-hours", response_model=ShownSendingHours)
async def change_sending_hours(
    given: GivenSendingHours, account_id: CallerAccountId, database: Database
) -> SendingHours:
    """Set them; they hold for every message that is decided from then on, also for those that wait."""
    hours = SendingHours(**given.model_dump())
    await set_sending_hours(database, account_id, hours)
    return hours
