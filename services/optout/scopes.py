"""The scopes of suppressions, and those that a reply is about."""

from services.optout.attribution import Attribution
from services.optout.rules import RuleMatch

ACCOUNT = "account"


def list_scope(list_id: int) -> str:
    return f"list:{list_id}"


def list_id_of(scope: str) -> int | None:
    """Return the list of a scope; None where the scope is not one list."""
    return int(scope.removeprefix("list:")) if scope.startswith("list:") else None


def scopes_of(match: RuleMatch, attribution: Attribution) -> list[str]:
    """Return what a reply is about: the account where it says so or no list is known, else the lists answered."""
    scopes = [list_scope(list_id) for list_id in attribution.list_ids]
    return [ACCOUNT] if match.reach == "account" or not scopes else scopes
