"""Where a recipient may be: by what the request names, else by the number. Every possible place and zone counts.

A zone or state that the request names decides the clock; the number's own places are left out then, but for rules that
go by the area code.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE
from pydantic import BaseModel

from shared.phones.canonical import country_code_of

PREFIX_CHARACTERS = 5
"""Numbers that begin with the same ones are in the same places: +1 and an area code, or a country code and more."""
_NANP = "+1"
_NAME_CHARACTERS = 64
_STATE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
_ISO_STATES_THAT_ARE_COUNTRIES = {f"US-{each}": each for each in ("AS", "GU", "MP", "PR", "VI")}
_HAS_STATES = ("US", "CA")
_WITHOUT_ZONES_OF_THEIR_OWN = {"XK": "Europe/Belgrade", "AC": "Atlantic/St_Helena", "TA": "Atlantic/St_Helena"}
"""Countries of telephone numbers that the time zone database does not have."""
_KAZAKHSTAN = ("+76", "+77")
_KAZAKHSTAN_AND_RUSSIA = 7


class UnknownPlaceError(ValueError):
    """A state or time zone that does not exist; the text says what to write."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The places and time zones that a recipient may be in.

    `of_number` are the places of the number, whatever the request names. Without zones nothing is known.
    """

    places: tuple[str, ...]
    zones: tuple[str, ...]
    of_number: tuple[str, ...]


class _Spot(NamedTuple):
    places: tuple[str, ...]
    zones: tuple[str, ...]


@lru_cache(maxsize=4_096)  # messages name few
def is_state(state: str) -> bool:
    """Say whether it is a state or country that a request may name."""
    place = _place_of(state)
    country = place[:2]
    known = _STATE.fullmatch(place) is not None and country in _zones_by_country()
    return known and (country not in _HAS_STATES or place == country or place in state_names())


def _place_of(state: str) -> str:
    return _ISO_STATES_THAT_ARE_COUNTRIES.get(state, state)


def check_state(state: str) -> str:
    """Return the place that a request names, as rules name it.

    Raises:
        UnknownPlaceError: there is none.
    """
    if is_state(state):
        return _place_of(state)
    shown = state[:_NAME_CHARACTERS]
    raise UnknownPlaceError(f"recipient_state: {shown!r} is not a code of ISO 3166-2, such as US-TX or CA-ON")


def is_zone(zone: str) -> bool:
    """Say whether the time zone database has the zone."""
    return zone in _all_zones()


def check_zone(zone: str) -> str:
    """Return the time zone that a request names.

    Raises:
        UnknownPlaceError: there is none.
    """
    if is_zone(zone):
        return zone
    shown = zone[:_NAME_CHARACTERS]
    raise UnknownPlaceError(f"recipient_zone: {shown!r} is not an IANA time zone, such as America/Chicago")


@lru_cache(maxsize=16_384)
def whereabouts(prefix: str, state: str | None, zone: str | None) -> Whereabouts:
    """Return where the holder of a number may be; `prefix` are its first `PREFIX_CHARACTERS`.

    | the request names | the clock                    | the rules                                               |
    |-------------------|------------------------------|---------------------------------------------------------|
    | a state           | of the state's zones         | of the state; of the number where they go by area code  |
    | `US` or `CA`      | of the number, if from there | of the number, if it is from there; else of all states  |
    | a zone            | of the zone                  | of the number; of the zone's country where it's another |
    | both              | of the zone                  | as for the state                                        |
    | neither           | of all zones of the number   | of all its places                                       |

    Raises:
        UnknownPlaceError: there is no such state or zone.
    """
    number = _spot_of_number(prefix)
    clock = None if zone is None else (check_zone(zone),)
    if state is not None:
        named = _spot_of_place(check_state(state), number)
        return Whereabouts(named.places, clock or named.zones, number.places)
    if clock is None:
        return Whereabouts(number.places, number.zones, number.places)
    return Whereabouts(_with(number.places, _countries_by_zone().get(clock[0], ())), clock, number.places)


def _spot_of_place(place: str, number: _Spot) -> _Spot:
    if place not in _HAS_STATES:
        return _Spot((place,), _zones_of(place))
    if number.places and all(_is_in(each, place) for each in number.places):
        return number
    states = tuple(each for each in state_names() if _is_in(each, place))
    return _Spot(states, _zones_of_all(states))


def _is_in(place: str, country: str) -> bool:
    return place[:2] == country or (country == "US" and place in _ISO_STATES_THAT_ARE_COUNTRIES.values())


def _with(places: tuple[str, ...], countries: Iterable[str]) -> tuple[str, ...]:
    """Return the places and the countries, unless one of those is where the number is from."""
    known, more = {place[:2] for place in places}, tuple(countries)
    return places if known.intersection(more) else (*places, *more)


def _spot_of_number(prefix: str) -> _Spot:
    if prefix.startswith(_NANP):
        return _by_area_code().get(prefix[len(_NANP) :]) or _anywhere_in_north_america()
    code = country_code_of(prefix[1:])
    countries = () if code is None else COUNTRY_CODE_TO_REGION_CODE[code]
    if code == _KAZAKHSTAN_AND_RUSSIA:
        countries = ("KZ",) if prefix.startswith(_KAZAKHSTAN) else ("RU",)
    zones = _zones_by_country()
    known = tuple(each for each in countries if each in zones)
    return _Spot(known, _unique(zone for each in known for zone in zones[each]))


def _zones_of(place: str) -> tuple[str, ...]:
    by_state = _zones_by_state()
    return by_state[place] if place in by_state else _zones_by_country()[place[:2]]


def _zones_of_all(places: Iterable[str]) -> tuple[str, ...]:
    return _unique(zone for place in places for zone in _zones_of(place))


def _unique(zones: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(zones))


class _Row(BaseModel):
    places: tuple[str, ...]
    zones: tuple[str, ...]
    codes: tuple[int, ...]


class _Plan(BaseModel):
    names: dict[str, str]
    area_codes: tuple[_Row, ...]


@cache
def _plan() -> _Plan:
    text = files(__package__).joinpath("data", "nanp.toml").read_text("utf-8")
    return _Plan.model_validate(tomllib.loads(text))


@cache
def state_names() -> dict[str, str]:
    """Return the names of the states of the United States and the provinces of Canada, by code."""
    return _plan().names


@cache
def _by_area_code() -> dict[str, _Spot]:
    return {str(code): _Spot(row.places, row.zones) for row in _plan().area_codes for code in row.codes}


@cache
def _zones_by_state() -> dict[str, tuple[str, ...]]:
    """Return the zones of each state: those that its area codes have."""
    found: dict[str, list[str]] = {}
    for spot in _by_area_code().values():
        for place in spot.places:
            found.setdefault(place, []).extend(spot.zones)
    return {place: _unique(zones) for place, zones in found.items()}


@cache
def _anywhere_in_north_america() -> _Spot:
    """Return the states and provinces together: where a number of the plan may be whose area code has no place."""
    states = tuple(state_names())
    return _Spot(states, _zones_of_all(states))


@cache
def _zones_by_country() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for country, zone in _zone_table():
        found.setdefault(country, []).append(zone)
    return {country: tuple(zones) for country, zones in found.items()}


@cache
def _countries_by_zone() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for country, zone in _zone_table():
        found.setdefault(zone, []).append(country)
    return {zone: tuple(countries) for zone, countries in found.items()}


def _zone_table() -> list[tuple[str, str]]:
    """Return a country and one of its zones each: the rows of the time zone database's `zone.tab`, and more."""
    lines = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return [*((row[0], row[2]) for row in rows), *_WITHOUT_ZONES_OF_THEIR_OWN.items()]


@cache
def _all_zones() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split()) - {"Factory"}
