"""Credentials of single accounts at their carriers, from the setting `STOPLINE_CARRIER_ACCOUNTS`.

It is JSON: `{"acme": {"carrier": "twilio", "twilio_account_sid": "AC00", "twilio_secret": "…"}}`. The names are those
of the carrier's settings without `STOPLINE_`, in lower case. What is not given has its default, and never the value
that the environment has for everybody: no account's messages go out with half of somebody else's credentials.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic_settings import PydanticBaseSettingsSource

from services.sender.carriers.carrier import CarrierSettings
from shared.events.base import AccountId

_SETTING = "STOPLINE_CARRIER_ACCOUNTS"
MAX_ACCOUNTS = 1_000
"""Each set of credentials has a client with connections of its own."""
_ACCOUNT_ID: TypeAdapter[str] = TypeAdapter(AccountId)


class AccountCarrier(NamedTuple):
    """The carrier of an account: its name, and its settings with the account's own credentials."""

    carrier: str
    adapter: CarrierSettings


def read_account_carriers(text: str, carriers: Mapping[str, type[CarrierSettings]]) -> dict[str, AccountCarrier]:
    """Return the carriers by account.

    Args:
        text: the setting.
        carriers: the settings of every carrier, by its name.

    Raises:
        ValueError: names the account and the field that is wrong, and shows no value.
    """
    try:
        given = json.loads(text or "{}", object_pairs_hook=_each_once)
    except (json.JSONDecodeError, RecursionError):
        raise ValueError(f"{_SETTING}: is not JSON") from None
    if not isinstance(given, dict):
        raise ValueError(f"{_SETTING}: must be an object with a carrier for each account")  # noqa: TRY004 (pydantic's)
    if len(given) > MAX_ACCOUNTS:
        raise ValueError(f"{_SETTING}: has {len(given)} accounts; the limit is {MAX_ACCOUNTS}")
    return {account_id: _account_carrier(account_id, fields, carriers) for account_id, fields in given.items()}


def _account_carrier(account_id: str, fields: object, carriers: Mapping[str, type[CarrierSettings]]) -> AccountCarrier:
    try:
        _ACCOUNT_ID.validate_python(account_id)
    except ValidationError:
        raise ValueError(f"{_SETTING}: {account_id[:64]!r} is not the id of an account") from None
    if not isinstance(fields, dict):
        raise ValueError(f"{_SETTING}: {account_id}: must be an object with its carrier and settings")  # noqa: TRY004 (pydantic's)
    name = str(fields.get("carrier"))
    if name not in carriers:
        raise ValueError(f"{_SETTING}: {account_id}: carrier: choose one of {', '.join(sorted(carriers))}")
    given = {field: value for field, value in fields.items() if field != "carrier"}
    try:
        return AccountCarrier(name, _from_nothing_else(carriers[name])(**given))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ": ".join(map(str, first["loc"]))
        raise ValueError(f"{_SETTING}: {account_id}: {name}: {place}: {first['msg']}") from None


@cache
def _from_nothing_else(adapter: type[CarrierSettings]) -> type[CarrierSettings]:
    """Return the class of settings without their sources: neither the environment nor files fill what is missing."""

    def only_given(*_: object, init_settings: PydanticBaseSettingsSource, **__: object) -> tuple[object, ...]:
        return (init_settings,)

    return type(adapter.__name__, (adapter,), {"settings_customise_sources": staticmethod(only_given)})


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, _ in pairs if sum(name == other for other, _ in pairs) > 1)
        raise ValueError(f"{_SETTING}: {twice[:64]!r} is there twice")
    return found
