"""The scopes that a reply is about: no I/O."""

from collections.abc import Iterable

from services.optout.attribution import Attribution
from services.optout.policies import Reach
from services.optout.rules import RuleMatch
from shared.scopes import ACCOUNT, list_scope, sender_scope


def scopes_of(
    match: RuleMatch, attribution: Attribution, by_policy: Reach = "list", sender_numbers: Iterable[str] = ()
) -> list[str]:
    """Return what a reply is about: the account where it says so or no list is known, else the lists answered.

    A wider reach `by_policy` adds the account, or the sender numbers of the answered messages, to the lists.
    """
    lists = [list_scope(list_id) for list_id in attribution.list_ids]
    if match.reach == "account" or not lists:
        return [ACCOUNT]
    return widened(lists, by_policy, sender_numbers)


def widened(lists: list[str], by_policy: Reach, sender_numbers: Iterable[str]) -> list[str]:
    """Return the scopes of lists, and what a policy adds to them."""
    match by_policy:
        case "list":
            return lists
        case "sender":
            return [*lists, *map(sender_scope, sender_numbers)]
        case "account":
            return [*lists, ACCOUNT]
