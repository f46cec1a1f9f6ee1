"""The early answer about hours: when the sender would let a message go, by the account's sending hours."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shared.events.base import Time
from shared.fair_hours.ask import AccountHours, Closed, Open


class HoursOfMessage(BaseModel):
    """The hours of a message: whether it may leave now, else when; by which rule it waits, and in which time zone.

    Without `leaves_at` a message that may not leave now never may: the places its recipient may be in have no hour in
    common.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    open: bool
    leaves_at: Time | None = None
    rule: str | None = None
    zone: str | None = None


def hours_of(hours: AccountHours, phone: str, state: str | None, zone: str | None, now: datetime) -> HoursOfMessage:
    match hours.ask(phone, state, zone, now):
        case Open():
            return HoursOfMessage(open=True)
        case Closed(until=until, rule_id=rule_id, zone=where):
            return HoursOfMessage(open=False, leaves_at=until, rule=rule_id, zone=where)
        case _:
            return HoursOfMessage(open=False)
