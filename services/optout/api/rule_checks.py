"""What a rule must not do: answer an opt-out (G6), call an address that is not the customer's own, move to no list."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from services.optout.api.errors import ApiError
from services.optout.record.connection import Connection
from services.optout.rules import Rule, RuleSet, VersionedRule
from services.optout.rules.packs import PACKS
from services.optout.webhooks.addresses import is_public

_MAX_LIST_ID_DIGITS = 15
_PRIVATE_NAMES = ("localhost", "local", "internal", "localdomain", "home.arpa", "lan")

# Whether the account has the list.
LIST_EXISTS = "SELECT EXISTS (SELECT FROM contact_lists WHERE account_id = $1 AND list_id = $2)"


async def check_rule(database: Connection, account_id: str, rule: Rule, others: Sequence[VersionedRule]) -> None:
    """Check what the rule's own fields cannot say.

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
            _check_address(rule.action_address or "")
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


def _check_address(address: str) -> None:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    is_written_out = address.isascii() and address.isprintable() and " " not in address
    if not is_written_out or parts.scheme != "https" or not host or parts.username is not None:
        message = "action_address: write an https:// address in ASCII, without spaces and without a user name in it"
        raise ApiError(422, "invalid", message, "action_address")
    if _is_private(host) or port == 0:
        message = f"action_address: {host!r} is private; write an address that can be reached from outside"
        raise ApiError(422, "invalid", message, "action_address")


def _is_private(host: str) -> bool:
    try:
        return not is_public(host)
    except ValueError:
        labels = host.rstrip(".").split(".")
        # A bare name, or an address in another notation, such as 2130706433 or 0x7f.1.
        return (
            len(labels) == 1 or labels[-1] in _PRIVATE_NAMES or host.endswith("home.arpa") or labels[-1][:1].isdigit()
        )


async def _check_list(database: Connection, account_id: str, address: str) -> None:
    is_there = (
        address.isdecimal()
        and len(address) <= _MAX_LIST_ID_DIGITS
        and await database.fetchval(LIST_EXISTS, account_id, int(address))
    )
    if not is_there:
        message = "action_address: write the id of one of your lists, or opt-out for the opt-out list"
        raise ApiError(422, "invalid", message, "action_address")
