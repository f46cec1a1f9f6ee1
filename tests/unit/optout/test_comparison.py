"""What the simulator calls new: only what the draft itself would change."""

import pytest

from services.optout.rules import Rule, VersionedRule
from services.optout.simulation.compare import Comparison, Effect, ReceivedText

STOP = VersionedRule(1, 1, Rule(name="STOP", match_type="starts_with", terms=("stop",), action="OPT_OUT"))
REPLY = Rule(name="Hours", match_type="contains", terms=("open",), action="AUTO_REPLY", action_address="9 to 5")


def effect(draft: Rule, text: str, *present: VersionedRule, rule_id: int = 9) -> Effect:
    return Comparison(VersionedRule(rule_id, 1, draft), [STOP, *present]).effect(ReceivedText(text, "+18335550123"))


@pytest.mark.parametrize(
    ("text", "expected"), [("leave", Effect.NEW), ("stop leave", Effect.OLD), ("hello", Effect.NONE)]
)
def test_an_opt_out_is_new_where_the_present_rules_do_not_opt_out(text: str, expected: Effect) -> None:
    leave = Rule(name="Leave", match_type="contains", terms=("leave",), action="OPT_OUT")
    assert effect(leave, text) is expected


def test_a_reply_that_an_opt_out_prevents_is_not_new() -> None:
    assert effect(REPLY, "are you open") is Effect.NEW
    assert effect(REPLY, "stop are you open") is Effect.OLD


def test_a_reply_that_is_given_already_is_not_new() -> None:
    same = VersionedRule(5, 1, REPLY.model_copy(update={"name": "Other"}))
    assert effect(REPLY, "are you open", same) is Effect.OLD
    other = VersionedRule(5, 1, REPLY.model_copy(update={"name": "Other", "action_address": "Closed"}))
    assert effect(REPLY, "are you open", other) is Effect.NEW


def test_a_draft_takes_the_place_of_the_rule_that_it_replaces() -> None:
    wider = STOP.rule.model_copy(update={"terms": ("stop", "leave")})
    assert effect(wider, "leave", rule_id=1) is Effect.NEW
    assert effect(wider, "stop", rule_id=1) is Effect.OLD
