"""An account's settings of sending hours, as events and the API have them."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.fair_hours.days import DAYS, HOLIDAY, Minutes, days_of, minutes_of

AppliesTo = Literal["off", "marketing", "all"]
"""Which messages keep the hours: none, those that are not known to be transactional, or all."""
MIN_OPEN_MINUTES = 180
_MAX_LINES = len(DAYS)


def parts_of_days(hours: dict[str, str]) -> dict[str, Minutes | None]:
    """Return the part of each day that `{"mon-fri": "09:00-18:00", "sat": "10:00-14:00"}` names.

    Raises:
        ValueError: it cannot be read, names a day twice, or is open for less than three hours.
    """
    found: dict[str, Minutes | None] = {}
    for days, text in hours.items():
        part = minutes_of(text)
        if part is not None and part.end - part.start < MIN_OPEN_MINUTES:
            raise ValueError(f"{text!r}: leave at least {MIN_OPEN_MINUTES // 60} hours, or write closed")
        for day in days_of(days):
            if day in found:
                raise ValueError(f"{day} is there twice")
            found[day] = part
    return found


def _checked(hours: dict[str, str]) -> dict[str, str]:
    parts = parts_of_days(hours)
    if HOLIDAY in parts:
        raise ValueError("holidays are those of the rules; name days from mon to sun")
    if not any(parts.values()):
        raise ValueError("name the hours of at least one day")
    return hours


OwnHours = Annotated[dict[str, str], Field(max_length=_MAX_LINES), AfterValidator(_checked)]
"""Hours by day on the recipient's clock, such as `{"mon-fri": "09:00-18:00"}`; on other days nothing may leave."""


class SendingHours(BaseModel):
    """The settings: which messages keep the hours, and the account's own hours.

    `own` narrows every rule. `elsewhere` are the hours of countries and states without a rule; None: any time.
    `default_zone` is the clock of recipients whose number belongs to no country.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    applies_to: AppliesTo = "off"
    own: OwnHours | None = None
    elsewhere: OwnHours | None = Field(default={"mon-sun": "08:00-21:00"})
    default_zone: Annotated[str, Field(max_length=64)] = "UTC"


OFF = SendingHours()
"""The settings of an account that has made none."""
