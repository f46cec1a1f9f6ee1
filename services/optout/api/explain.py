"""Explains a draft rule while somebody writes it: what saving it would say, and what it does with a few replies."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AfterValidator, Field, StringConstraints

from services.optout.api.account_rules import check_change, current_rules
from services.optout.api.answers_about_sending import ExplainedRule
from services.optout.api.context import CallerAccountId, Database, WebhookPorts
from services.optout.api.errors import ApiError
from services.optout.api.fields import without_nul
from services.optout.api.gate_checks import check_still_works
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.rule_checks import check_rule
from services.optout.api.rule_fields import rule_of
from services.optout.api.simulate import NEW_RULE_ID, Draft, version_of
from services.optout.api.turns import AccountTurns
from services.optout.rules import Rule, RuleMatch, VersionedRule
from services.optout.rules.match_types import MATCH_TYPES
from services.optout.rules.normalised_reply import normalise_reply
from services.optout.simulation.compare import Comparison, ReceivedText
from shared.postgres import Connection

MAX_TEXTS = 20
MAX_TEXT_CHARACTERS = 1_600
_EXAMPLES_OF_TERMS = 3
_SECONDS = 1.0
"""Of processor time for all texts, beside the event loop; what is not searched by then counts as held."""
_TURNS = AccountTurns("explaining a rule")

router = APIRouter(route_class=GuardedRoute)

SampleText = Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARACTERS), AfterValidator(without_nul)]


class QuestionedRule(Draft):
    """A draft, with replies to try it on; without any, its first terms are tried, in a few sentences.

    `answered_text` is the message that they answer, `to` the sender number that they are written to: that of the rule
    where none is given.
    """

    texts: Annotated[tuple[SampleText, ...], Field(max_length=MAX_TEXTS)] = ()
    answered_text: SampleText | None = None
    to: Annotated[str, Field(max_length=64)] | None = None


@router.post("/v1/rules/explain", response_model=ExplainedRule)
async def explain(
    question: QuestionedRule, account_id: CallerAccountId, database: Database, ports: WebhookPorts
) -> dict[str, Any]:
    """Answer 422 where the rule has a field that cannot be, as saving would; `problem` is why it could not be saved."""
    with _TURNS.turn(account_id):
        return await _explanation(question, account_id, database, ports)


async def _explanation(
    question: QuestionedRule, account_id: str, database: Connection, ports: frozenset[int]
) -> dict[str, Any]:
    rule = await asyncio.to_thread(rule_of, question)
    present = await current_rules(database, account_id)
    version = version_of(present, question.replaces)
    problem = await _problem(database, account_id, rule, present, question.replaces, ports)
    draft = VersionedRule(question.replaces or NEW_RULE_ID, version, rule.model_copy(update={"enabled": True}))
    texts = question.texts or _examples(rule)
    number = question.to or (None if rule.sender_number == "*" else rule.sender_number)
    replies = [ReceivedText(text, number, question.answered_text) for text in texts]
    return {"problem": problem, "texts": await asyncio.to_thread(_explained, draft, present, replies)}


async def _problem(  # noqa: PLR0913, PLR0917 (what saving checks)
    database: Connection,
    account_id: str,
    rule: Rule,
    present: list[VersionedRule],
    replaced: int | None,
    ports: frozenset[int],
) -> dict[str, Any] | None:
    """Return why the rule could not be saved; None: it could."""
    others = [each for each in present if each.rule_id != replaced]
    try:
        await check_change(present, rule, replaced)
        await check_rule(database, account_id, rule, others, ports)
        if replaced is not None:
            await check_still_works(database, account_id, [*(each.rule for each in others), rule])
    except ApiError as error:
        return {"code": error.code, "message": error.detail, "field": error.field}
    return None


def _examples(rule: Rule) -> tuple[str, ...]:
    """Return sentences with the rule's first terms; of a pattern or a detector no text follows."""
    match_type = MATCH_TYPES[rule.match_type]
    if match_type.searched_as == "pattern" or match_type.is_detector:
        return ()
    sentences = ("{}", "{}!", "please {}", "I will {} by later")
    terms = rule.terms[:_EXAMPLES_OF_TERMS] or ("Hello",)
    return tuple(sentence.format(term) for term in terms for sentence in sentences)


def _explained(
    draft: VersionedRule, present: Sequence[VersionedRule], replies: Sequence[ReceivedText]
) -> list[dict[str, Any]]:
    comparison = Comparison(draft, present)
    ends_at = time.thread_time() + _SECONDS
    return [_of_text(comparison, reply, lambda: time.thread_time() > ends_at) for reply in replies]


def _of_text(comparison: Comparison, reply: ReceivedText, is_over: Callable[[], bool]) -> dict[str, Any]:
    alone = comparison.alone(reply, is_over)
    before, after = comparison.before_and_after(reply, is_over)
    return {
        "text": reply.body,
        "read_as": normalise_reply(reply.body).text,
        "matches": alone.kind != "none" or bool(alone.follow_ups),
        "term": alone.term,
        "start": alone.start,
        "end": alone.end,
        "before": _shown(before),
        "after": _shown(after),
    }


def _shown(match: RuleMatch) -> dict[str, Any]:
    return {
        "kind": match.kind,
        "rule": match.rule,
        "matched_by": match.matched_by,
        "follow_ups": [each.rule.name for each in match.follow_ups],
    }
