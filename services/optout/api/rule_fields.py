"""A rule as `/v1` has it: ClickSend's fields, and our own match types and scopes as optional ones."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from services.optout.api.errors import ApiError
from services.optout.api.fields import Name, RequestBody, without_nul
from services.optout.rules import Rule, VersionedRule
from services.optout.rules.actions import ACTIONS
from services.optout.rules.match_types import MATCH_TYPES
from services.optout.rules.rule import MAX_TERMS, MatchName, RuleReach, Term
from shared.phones import normalise_sender_number

OPT_OUT_LIST = "opt-out"
"""What `action_address` of a MOVE_CONTACT says instead of a list's id."""
_NOT_OURS = {
    "EMAIL_USER": "AUTO_REPLY, or a URL of yours that mails it",
    "EMAIL_FIXED": "a URL of yours that mails it",
    "SMS": "a URL of yours that sends it on",
    "GROUP_SMS": "a URL of yours that sends it on",
    "CREATE_CONTACT": "POST /v1/lists/{id}/contacts",
    "CREATE_CONTACT_PLUS_EMAIL": "POST /v1/lists/{id}/contacts",
    "CREATE_CONTACT_PLUS_NAME_EMAIL": "POST /v1/lists/{id}/contacts",
}


class GivenRule(RequestBody):
    """A rule in a request. Our `match` and `terms` win over `message_search_type` and `message_search_term`."""

    dedicated_number: str = "*"
    rule_name: Annotated[Name, Field(max_length=100)]
    message_search_type: Annotated[int, Field(ge=0, le=3)] | None = None
    message_search_term: Annotated[str, StringConstraints(max_length=500), AfterValidator(without_nul)] = ""
    action: str
    action_address: Annotated[str, StringConstraints(max_length=2000), AfterValidator(without_nul)] | None = None
    enabled: Annotated[bool, Field(strict=False)] = True
    webhook_type: Literal["post", "json"] = "post"
    match: MatchName | None = None
    terms: Annotated[tuple[Annotated[Term, AfterValidator(without_nul)], ...], Field(max_length=MAX_TERMS)] = ()
    scope: RuleReach = "list"
    position: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 0
    only_as_answer: bool = False


def rule_of(given: GivenRule) -> Rule:
    """Return the rule.

    Raises:
        ApiError: 422, a field does not fit; the text names it.
    """
    match_type = given.match or _match_of(given.message_search_type)
    terms = given.terms or ((given.message_search_term,) if given.message_search_term else ())
    action, address = _action(given)
    try:
        return Rule(
            name=given.rule_name,
            enabled=given.enabled,
            sender_number=_number(given.dedicated_number),
            match_type=match_type,
            terms=terms if MATCH_TYPES[match_type].has_terms else (),
            action=action,
            action_address=address,
            reach=given.scope,
            position=given.position,
            only_as_answer=given.only_as_answer,
            webhook_type=given.webhook_type,
        )
    except ValidationError as error:
        message = str(error.errors(include_url=False)[0]["msg"]).removeprefix("Value error, ")
        field = "terms" if given.terms else "message_search_term"
        raise ApiError(422, "invalid", f"{field}: {message.removeprefix('terms: ')}", field) from None


def _match_of(search_type: int | None) -> str:
    for name, match_type in MATCH_TYPES.items():
        if search_type is not None and match_type.clicksend_number == search_type:
            return name
    message = "message_search_type: say how to match, 0 to 3, or give `match`"
    raise ApiError(422, "missing", message, "message_search_type")


def _action(given: GivenRule) -> tuple[str, str | None]:
    if given.action in _NOT_OURS:
        message = f"action: {given.action} is not supported; use {_NOT_OURS[given.action]}"
        raise ApiError(422, "unsupported", message, "action")
    if given.action not in ACTIONS:
        message = f"action: {given.action!r} is unknown; use one of {', '.join(ACTIONS)}"
        raise ApiError(422, "invalid", message, "action")
    if given.action == "MOVE_CONTACT" and given.action_address == OPT_OUT_LIST:
        return "OPT_OUT", None
    return given.action, given.action_address


def _number(text: str) -> str:
    if text.strip() == "*":
        return "*"
    try:
        return normalise_sender_number(text)
    except ValueError as error:
        message = f"dedicated_number: {error}; write a number or sender ID, or * for all"
        raise ApiError(422, "invalid", message, "dedicated_number") from None


def shown(saved: VersionedRule) -> dict[str, Any]:
    """Return the rule as `/v1` shows it; `message_search_type` is None where ClickSend has no number for it."""
    rule = saved.rule
    return {
        "inbound_rule_id": saved.rule_id,
        "dedicated_number": rule.sender_number,
        "rule_name": rule.name,
        "message_search_type": MATCH_TYPES[rule.match_type].clicksend_number,
        "message_search_term": rule.terms[0] if len(rule.terms) == 1 else ", ".join(rule.terms),
        "action": rule.action,
        "action_address": rule.action_address,
        "enabled": int(rule.enabled),
        "webhook_type": rule.webhook_type,
        "match": rule.match_type,
        "terms": rule.terms,
        "scope": rule.reach,
        "position": rule.position,
        "only_as_answer": rule.only_as_answer,
        "version": saved.version,
    }
