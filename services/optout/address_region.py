"""The state or country of a contact by its address, as messages name it for their hours. Pure."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from shared.fair_hours.places import is_state, state_names

_COUNTRY_NAMES = {
    "USA": "US", "UNITED STATES": "US", "UNITED STATES OF AMERICA": "US", "CANADA": "CA",
}  # fmt: skip
_HAVE_STATES = ("US", "CA")
_NORTH_AMERICA = "+1"
_MAX_CHARACTERS = 64


def address_region(phone: str, fields: Mapping[str, Any]) -> str | None:
    """Return the code of ISO 3166 that a contact's `address_state` and `address_country` say, `US-TX` or `FR`.

    None where they say nothing that can be read: then the number decides. A state of the United States or Canada may be
    written as its code or name; without a country it counts where the number is of the North American plan.
    """
    state, country = _text(fields.get("address_state")), _text(fields.get("address_country")).replace(".", "")
    country = _COUNTRY_NAMES.get(country, country)
    if country in _HAVE_STATES or (not country and phone.startswith(_NORTH_AMERICA)):
        found = _codes().get(state)
        return found if found is not None and found.startswith(country) else None
    return country if is_state(country) else None


def _text(value: Any) -> str:
    return " ".join(value.split()).upper() if isinstance(value, str) and len(value) <= _MAX_CHARACTERS else ""


@cache
def _codes() -> dict[str, str]:
    """Return the codes of states and provinces, by all that they may be written as."""
    found: dict[str, str] = {}
    for code, name in state_names().items():
        found |= {code: code, code[3:]: code, name.upper(): code}
    return found
