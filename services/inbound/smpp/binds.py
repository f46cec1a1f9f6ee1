"""The binds of accounts as receivers, from the setting `STOPLINE_SMPP_RECEIVERS`."""

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from shared.events.base import AccountId
from shared.smpp.address import SmppAddress
from shared.smpp.alphabets import DefaultAlphabet
from shared.smpp.message_ids import WrittenAs

SETTING = "STOPLINE_SMPP_RECEIVERS"
MAX_BINDS = 200
MAX_BINDS_PER_ACCOUNT = 8


class ReceiverBind(SmppAddress):
    """A bind of an account as a receiver."""

    default_alphabet: DefaultAlphabet = "gsm"
    receipt_ids: WrittenAs = "text"
    """How the ids in receipts are written."""
    opted_out_errors: frozenset[str] = frozenset()
    """The SMSC's own errors (`err:` of a receipt) for a recipient who has opted out with it."""


_ACCOUNTS: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[AccountId, Any])
_ONE: TypeAdapter[ReceiverBind] = TypeAdapter(ReceiverBind)


def read_receivers(text: str) -> list[tuple[str, ReceiverBind]]:
    """Return the binds of a setting: of each account one, or a list.

    Raises:
        ValueError: names the account and the field that is wrong, and shows no value.
    """
    try:
        accounts = _ACCOUNTS.validate_python(json.loads(text))
    except (json.JSONDecodeError, RecursionError, ValidationError):
        raise ValueError(f"{SETTING}: must be a JSON object with the binds of each account, by its id") from None
    found: list[tuple[str, ReceiverBind]] = []
    for account_id, given in accounts.items():
        each = given if isinstance(given, list) else [given]
        if not 1 <= len(each) <= MAX_BINDS_PER_ACCOUNT:
            raise ValueError(f"{SETTING}: {account_id}: must be a bind, or a list of 1 to {MAX_BINDS_PER_ACCOUNT}")
        found += [(account_id, _bind(account_id, one)) for one in each]
    if len(found) > MAX_BINDS:
        raise ValueError(f"{SETTING}: has {len(found)} binds; the limit is {MAX_BINDS}")
    whose = [(bind.host, bind.port, bind.system_id) for _, bind in found]
    if len(set(whose)) < len(whose):
        raise ValueError(f"{SETTING}: a system_id is bound twice to one SMSC: whose messages come by it is not known")
    return found


def _bind(account_id: str, given: object) -> ReceiverBind:
    try:
        return _ONE.validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = "".join(f"{name}: " for name in first["loc"])
        raise ValueError(f"{SETTING}: {account_id}: {field}{first['msg'].removeprefix('Value error, ')}") from None
