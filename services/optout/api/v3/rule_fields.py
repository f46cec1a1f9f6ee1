"""A rule as ClickSend's API has it: what it says of ours, and how a rule of ours is shown in it."""

from typing import Annotated

from pydantic import Field

from services.optout.api.errors import ApiError
from services.optout.api.fields import Name
from services.optout.api.rule_fields import GivenRule, rule_of
from services.optout.api.v3.models import Answer, Given, GivenText
from services.optout.rules import Rule, VersionedRule
from services.optout.rules.match_types import MATCH_TYPES

_TEXT_ACTIONS = ("AUTO_REPLY",)
"""Their `action_address` is a text, which newer clients send as `body`."""


class InboundRule(Answer):
    """A rule; `message_search_type` is None where ClickSend has no number for how it matches."""

    inbound_rule_id: int
    dedicated_number: str
    rule_name: str
    message_search_type: int | None
    message_search_term: str
    action: str
    action_address: str | None
    body: str | None
    enabled: int
    webhook_type: str | None


class GivenInboundRule(Given):
    """A rule in a request. What is missing when a rule is changed stays as it is."""

    dedicated_number: GivenText | None = None
    rule_name: Annotated[Name, Field(max_length=100)] | None = None
    message_search_type: Annotated[int, Field(ge=0, le=3)] | None = None
    message_search_term: GivenText | None = None
    action: GivenText | None = None
    action_address: Annotated[GivenText, Field(max_length=2000)] | None = None
    body: Annotated[GivenText, Field(max_length=2000)] | None = None
    enabled: bool | None = None
    webhook_type: GivenText | None = None


def new_rule(given: GivenInboundRule, opt_out_list: int) -> Rule:
    """Return the rule that a caller wants to add.

    Raises:
        ApiError: a field is missing or does not fit.
    """
    for name in ("rule_name", "message_search_type", "action"):
        if getattr(given, name) is None:
            raise ApiError(422, "missing", f"{name}: it is required", name)
    return _rule({}, given, opt_out_list)


def changed_rule(saved: VersionedRule, given: GivenInboundRule, opt_out_list: int) -> Rule:
    """Return the rule with what `given` changes; what only `/v1` shows of it (terms, scope, order) is kept.

    Raises:
        ApiError: a field does not fit.
    """
    rule = saved.rule
    before = shown(saved, opt_out_list)
    kept: dict[str, object] = {
        "dedicated_number": rule.sender_number,
        "rule_name": rule.name,
        "message_search_type": before.message_search_type,
        "message_search_term": before.message_search_term,
        "action": rule.action,
        "action_address": rule.action_address,
        "enabled": rule.enabled,
        "webhook_type": rule.webhook_type,
        "scope": rule.reach,
        "position": rule.position,
        "only_as_answer": rule.only_as_answer,
    }
    same_type = given.message_search_type in (None, before.message_search_type)
    if same_type and given.message_search_term in (None, before.message_search_term):
        kept |= {"match": rule.match_type, "terms": rule.terms}
    return _rule(kept, given, opt_out_list)


def _rule(kept: dict[str, object], given: GivenInboundRule, opt_out_list: int) -> Rule:
    fields = kept | given.model_dump(exclude_none=True, exclude={"body"})
    if given.body and fields["action"] in _TEXT_ACTIONS:
        fields["action_address"] = given.body
    if fields["action"] == "MOVE_CONTACT" and fields.get("action_address") == str(opt_out_list):
        fields |= {"action": "OPT_OUT", "action_address": None}
    if fields.get("webhook_type", "post") not in ("post", "json"):
        message = "webhook_type: write post (a form) or json"
        raise ApiError(422, "unsupported", message, "webhook_type")
    return rule_of(GivenRule.model_validate(fields))


def shown(saved: VersionedRule, opt_out_list: int) -> InboundRule:
    """Return the rule in ClickSend's fields: an opt-out is the move of the contact to the opt-out list."""
    rule = saved.rule
    is_opt_out = rule.action == "OPT_OUT"
    return InboundRule(
        inbound_rule_id=saved.rule_id,
        dedicated_number=rule.sender_number,
        rule_name=rule.name,
        message_search_type=MATCH_TYPES[rule.match_type].clicksend_number,
        message_search_term=", ".join(rule.terms),
        action="MOVE_CONTACT" if is_opt_out else rule.action,
        action_address=str(opt_out_list) if is_opt_out else rule.action_address,
        body=rule.action_address if rule.action in _TEXT_ACTIONS else None,
        enabled=int(rule.enabled),
        webhook_type=rule.webhook_type,
    )
