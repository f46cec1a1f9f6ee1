"""The rules of countries and states about the hours of marketing texts: dated data with its sources, read once."""

import tomllib
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Annotated, NamedTuple, Self

from holidays import HolidayBase, country_holidays
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from shared.fair_hours.days import DAYS, HOLIDAY, Minutes, days_of, minutes_of

PlaceCode = Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
"""A country (ISO 3166-1, two letters) or a state of one (ISO 3166-2)."""


@dataclass(frozen=True, slots=True, eq=False)
class HoursRule:
    """A rule: on which part of which day messages may reach recipients. Each is one object, compared as such.

    Attributes:
        rule_id: names it, such as `us-tx.1`.
        valid_from: the first day on which it applies; None: always.
        valid_to: the last one; None: none is known.
        by_day: from Monday to Sunday; None: nothing may.
        on_holidays: the part of a holiday; None: nothing may.
        holidays: the days that count as holidays.
    """

    rule_id: str
    valid_from: date | None
    valid_to: date | None
    by_day: tuple[Minutes | None, ...]
    on_holidays: Minutes | None = None
    holidays: HolidayBase | None = field(default=None, repr=False)

    def is_in_force(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)

    def part_of(self, day: date) -> Minutes | None:
        """Return the part of the day on which messages may arrive."""
        if self.holidays is not None and day in self.holidays:
            return self.on_holidays
        return self.by_day[day.weekday()]


class ShippedRule(BaseModel):
    """A rule as the file has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,59}$")]
    places: Annotated[tuple[PlaceCode, ...], Field(min_length=1)]
    valid_from: date
    valid_to: date | None = None
    hours: dict[str, str]
    holidays: PlaceCode | None = None
    by_area_code: bool = False
    checked: bool
    source: Annotated[str, Field(min_length=1)]
    text: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _is_readable(self) -> Self:
        if (HOLIDAY in self.hours) != (self.holidays is not None):
            raise ValueError("`holiday` among the hours and `holidays` go together")
        self.rule()
        return self

    def rule(self) -> HoursRule:
        """Return the rule, to ask it.

        Raises:
            ValueError: a day or a range of hours cannot be read.
        """
        parts = {day: minutes_of(hours) for days, hours in self.hours.items() for day in days_of(days)}
        by_day = tuple(parts.get(day) for day in DAYS)
        holidays = None if self.holidays is None else _holidays(self.holidays)
        return HoursRule(self.id, self.valid_from, self.valid_to, by_day, parts.get(HOLIDAY), holidays)


def read_rules(text: str) -> tuple[ShippedRule, ...]:
    """Return the rules of a TOML file.

    Raises:
        ValueError: it is not such a file.
    """
    try:
        return TypeAdapter(tuple[ShippedRule, ...]).validate_python(tomllib.loads(text).get("rule", ()))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"rule {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


@cache
def shipped_rules() -> tuple[ShippedRule, ...]:
    """Return the rules that come with Stopline."""
    return read_rules(files(__package__).joinpath("data", "rules.toml").read_text("utf-8"))


class RulesOfPlace(NamedTuple):
    """The rules of a country or state: all, and those that also hold for its area codes, wherever the recipient is."""

    all: tuple[HoursRule, ...]
    by_area_code: tuple[HoursRule, ...]


@cache
def _rules_by_place() -> dict[str, RulesOfPlace]:
    found: dict[str, RulesOfPlace] = {}
    for shipped in shipped_rules():
        rule = shipped.rule()
        for place in shipped.places:
            before = found.get(place, RulesOfPlace((), ()))
            mine = (rule,) if shipped.by_area_code else ()
            found[place] = RulesOfPlace((*before.all, rule), (*before.by_area_code, *mine))
    return found


def rules_of(place: str) -> RulesOfPlace:
    """Return the rules of a state, its country's included, or of a country."""
    by_place, country = _rules_by_place(), place[:2]
    own, its = (by_place.get(each, RulesOfPlace((), ())) for each in (place, country))
    return own if place == country else RulesOfPlace(its.all + own.all, its.by_area_code + own.by_area_code)


@cache
def _holidays(place: str) -> HolidayBase:
    """Return the holidays of a country or state; those of a year are computed when it is first asked for."""
    country, _, state = place.partition("-")
    return country_holidays(country, subdiv=state or None, observed=True)
