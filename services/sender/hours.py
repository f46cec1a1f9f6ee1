"""The rule that has messages wait for the hours of their recipients; no I/O, but what was found is kept."""

from collections.abc import Callable
from datetime import datetime

from services.sender.timing import Timing, Untimely, Wait
from shared.events.outbound import MessageRequested
from shared.fair_hours.ask import AccountHours, Closed, HoursOfAccounts, Never, Open
from shared.fair_hours.places import UnknownPlaceError, check_state, check_zone
from shared.suppressions.account_settings import AccountSettings

QUIET_HOURS = "quiet_hours"
"""The reason of a message that waits for its hours; after a colon comes the rule: `quiet_hours:us-tx.1`."""


class RecipientsHours:
    """A departure rule: the hours of countries and states, and the accounts' own.

    A message leaves only in hours that have begun by the earlier clock, and have not ended by the `latest` one.
    """

    def __init__(self, latest: Callable[[], datetime]) -> None:
        self._latest = latest
        self._hours = HoursOfAccounts()

    def earliest(self, request: MessageRequested, account: AccountSettings, now: datetime) -> Timing:
        settings = None if account.published is None else account.published.sending_hours
        if settings is None:
            return _unknown_place(request)
        hours = self._hours.of(request.account_id, settings)
        if request.confirms_opt_out is not None:  # it answers what its recipient has just written
            return None
        if not hours.keeps(request.purpose, conversational=request.conversational):
            return _unknown_place(request)
        return _asked(hours, request, now, self._latest())


def _asked(hours: AccountHours, request: MessageRequested, now: datetime, latest: datetime) -> Timing:
    who = request.phone, request.recipient_state, request.recipient_zone
    try:
        answer = hours.ask(*who, now)
        if isinstance(answer, Open) and answer.until <= latest:
            answer = hours.ask(*who, latest)
    except UnknownPlaceError as error:
        return Untimely("unknown_place", str(error))
    if isinstance(answer, Open):
        return None
    if isinstance(answer, Closed):
        return Wait(answer.until, f"{QUIET_HOURS}:{answer.rule_id}")
    return Untimely("no_sending_hours", _no_hours(answer))


def _unknown_place(request: MessageRequested) -> Untimely | None:
    """Return why a message is rejected whose state or zone does not exist: also where it would not matter today."""
    try:
        if request.recipient_state is not None:
            check_state(request.recipient_state)
        if request.recipient_zone is not None:
            check_zone(request.recipient_zone)
    except UnknownPlaceError as error:
        return Untimely("unknown_place", str(error))
    return None


def _no_hours(answer: Never) -> str:
    zones = ", ".join(answer.zones[:3]) + (" ..." if len(answer.zones) > len(answer.zones[:3]) else "")
    return (
        f"phone: the recipient may be in {zones}, which have no sending hour in common; name recipient_zone, or widen"
        " the hours with PUT /v1/account/sending-hours"
    )
