"""What a rule must not do: answer an opt-out (G6), call an address that is not the customer's own, move to no list."""

from collections.abc import Collection, Iterator, Sequence

from services.optout.api.errors import ApiError
from services.optout.record.connection import Connection
from services.optout.rules import Rule, RuleSet, VersionedRule
from services.optout.rules.packs import PACKS
from services.optout.webhooks.addresses import why_not_called

_MAX_LIST_ID_DIGITS = 15

# Whether the account has the list.
LIST_EXISTS = "SELECT EXISTS (SELECT FROM contact_lists WHERE account_id = $1 AND list_id = $2)"


async def check_rule(
    database: Connection, account_id: str, rule: Rule, others: Sequence[VersionedRule], ports: Collection[int]
) -> None:
    """Check what the rule's own fields cannot say; `ports` are those that webhooks may be called on.

    Raises:
        ApiError: it must not be saved; the text says why.
    """
    for other in others:
        if other.rule.name == rule.name:
            raise ApiError(
                409, "duplicate", f"rule_name: there is a rule {rule.name!r} already; choose another", "rule_name"
            )
    if rule.action == "AUTO_REPLY":  # what a URL answers is never sent to anybody
        _check_answers_no_opt_out(rule, others)
    match rule.action:
        case "AUTO_REPLY" if not (rule.action_address or "").strip():
            raise ApiError(422, "missing", "action_address: write the text of the reply", "action_address")
        case "URL":
            _check_address(rule.action_address or "", ports)
        case "MOVE_CONTACT":
            await _check_list(database, account_id, rule.action_address or "")


def _check_answers_no_opt_out(rule: Rule, others: Sequence[VersionedRule]) -> None:
    """Refuse a rule whose words opt out by a rule or a pack: it would look as if an opt-out were answered."""
    if rule.match in ("any", "does_not_contain"):
        return  # what opts out never gets as far as these
    for name, rules in _opting_out(others):
        for term in rule.terms:
            if rules.answer(term).answer in ("opt_out", "held"):
                message = (
                    f"message_search_term: {term!r} is an opt-out by {name}, and an opt-out is never answered; "
                    f"take the word out of this rule"
                )
                raise ApiError(422, "answers_an_opt_out", message, "message_search_term")


def _opting_out(others: Sequence[VersionedRule]) -> Iterator[tuple[str, RuleSet]]:
    for other in others:
        if other.rule.action == "OPT_OUT" and other.rule.enabled:
            yield f"the rule {other.rule.name!r}", RuleSet([other])
    for name, pack in PACKS.items():
        keywords = [VersionedRule(0, 1, rule) for rule in pack if rule.action == "OPT_OUT" and rule.match != "detector"]
        if keywords:
            yield f"the pack {name!r}", RuleSet(keywords)


def _check_address(address: str, ports: Collection[int]) -> None:
    wrong = why_not_called(address, ports)
    if wrong is not None:
        raise ApiError(422, "invalid", f"action_address: {wrong}", "action_address")


async def _check_list(database: Connection, account_id: str, address: str) -> None:
    is_there = (
        address.isdecimal()
        and len(address) <= _MAX_LIST_ID_DIGITS
        and await database.fetchval(LIST_EXISTS, account_id, int(address))
    )
    if not is_there:
        message = "action_address: write the id of one of your lists, or opt-out for the opt-out list"
        raise ApiError(422, "invalid", message, "action_address")
