"""Reads an account's reach policies from the customer API."""

from datetime import datetime
from typing import Any

from harness.account import Account
from harness.checker.reach import AccountPolicies, GeneralPolicy, SavedPolicy
from harness.checker.read_http import api_client, get_json

_PAGE = 500


async def read_policies(api_url: str, account: Account) -> AccountPolicies:
    """Return every version that the account saved, and the policies that hold for all.

    Raises:
        TransientError: the API is unavailable.
    """
    async with api_client(api_url, account) as http:
        general = (await get_json(http, "/v1/policies"))["shipped"]
        own: list[dict[str, Any]] = []
        query: dict[str, str | int] = {"limit": _PAGE}
        while True:
            page = await get_json(http, "/v1/policies/versions", query)
            own += page["versions"]
            if page["next"] is None:
                break
            query["after"] = page["next"]
    return AccountPolicies(tuple(map(_saved, own)), tuple(map(_general, general)))


def _saved(shown: dict[str, Any]) -> SavedPolicy:
    until = shown["postponed_until"]
    return SavedPolicy(
        number=int(shown["version"].partition(":")[2]),
        country=shown["country"],
        reach=shown["reach"],
        valid_from=datetime.fromisoformat(shown["valid_from"]),
        saved_at=datetime.fromisoformat(shown["made_at"]),
        postpones=shown["postpones"],
        postponed_until=None if until is None else datetime.fromisoformat(until),
    )


def _general(shown: dict[str, Any]) -> GeneralPolicy:
    return GeneralPolicy(
        shown["version"], frozenset(shown["countries"]), shown["reach"], datetime.fromisoformat(shown["valid_from"])
    )
