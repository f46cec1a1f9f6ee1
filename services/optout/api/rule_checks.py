"""Checks of a rule: it must not answer an opt-out (G6), call a forbidden address, or move to a missing list."""

import asyncio
import time
from collections.abc import Collection, Sequence
from functools import cache

from services.optout.api.errors import ApiError
from services.optout.customer_webhooks.addresses import why_not_called
from services.optout.rules import Rule, RuleMatch, RuleSet, VersionedRule
from services.optout.rules.actions import ACTIONS
from services.optout.rules.engine import TOO_SLOW
from services.optout.rules.match_types import MATCH_TYPES
from services.optout.rules.packs import PACKS
from shared.postgres import Connection

_MAX_LIST_ID_DIGITS = 15
_CHECK_SECONDS = 1.0
"""Of processor time, beside the event loop."""

# Whether the account has the list.
LIST_EXISTS = """
SELECT EXISTS (SELECT FROM contact_lists WHERE account_id = $1 AND list_id = $2 AND deleted_at IS NULL)
"""


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
    action = ACTIONS[rule.action]
    address = rule.action_address or ""
    if action.messages_recipient:  # what a URL answers is never sent to anybody
        await asyncio.to_thread(_check_answers_no_opt_out, rule, others)
    match action.address:
        case "text" if not address.strip():
            raise ApiError(422, "missing", "action_address: write the text of the reply", "action_address")
        case "url":
            _check_address(address, ports)
        case "list":
            await _check_list(database, account_id, address)


def _check_answers_no_opt_out(rule: Rule, others: Sequence[VersionedRule]) -> None:
    """Refuse a rule whose terms are opt-outs by a rule or a pack: it would seem to answer opt-outs."""
    if not MATCH_TYPES[rule.match_type].needs_term_in_reply:
        return  # it matches any reply, and an opt-out takes precedence
    ends_at = time.thread_time() + _CHECK_SECONDS
    own = RuleSet([each for each in others if ACTIONS[each.rule.action].decides == "opt_out"])
    for term in rule.terms:
        searched = own.after_search(own.search(term, lambda: time.thread_time() > ends_at))
        for rules, kind in ((searched, "rule"), (_packs(), "pack")):
            found = rules.match(term)
            if found.kind in ("opt_out", "held"):
                raise _answers_opt_out(term, kind, found)


def _answers_opt_out(term: str, kind: str, found: RuleMatch) -> ApiError:
    field = "message_search_term"
    if found.matched_by == TOO_SLOW:
        message = f"{field}: your opt-out patterns are too slow to be checked for {term!r}; give this rule fewer terms"
        return ApiError(422, "too_slow", message, field)
    message = (
        f"{field}: {term!r} is an opt-out by the {kind} {found.rule!r}, and an opt-out is never answered; take the word"
        f" out of this rule"
    )
    return ApiError(422, "answers_an_opt_out", message, field)


@cache
def _packs() -> RuleSet:
    """Return all opt-out words of packs, each under its pack's name."""
    return RuleSet(
        [
            VersionedRule(0, 1, rule.model_copy(update={"name": name}))
            for name, pack in PACKS.items()
            for rule in pack
            if ACTIONS[rule.action].decides == "opt_out" and not MATCH_TYPES[rule.match_type].is_detector
        ]
    )


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
