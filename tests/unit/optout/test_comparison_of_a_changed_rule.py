"""A draft that takes a rule's place: what that rule decided, and nothing decides any more, is lost."""

import pytest

from services.optout.rules import Rule, VersionedRule
from services.optout.simulation.compare import Comparison, Effect, ReceivedText


def rule(rule_id: int, name: str, *terms: str, action: str = "OPT_OUT") -> VersionedRule:
    return VersionedRule(rule_id, 1, Rule(name=name, match_type="contains", terms=terms, action=action))


PRESENT = [rule(1, "Leave", "leave", "quit"), rule(2, "Also quit", "quit"), rule(3, "Hours", "open", action="NONE")]


@pytest.mark.parametrize(
    ("text", "effect", "kinds"),
    [
        ("please leave", Effect.LOST, ("opt_out", "none")),
        ("I quit", Effect.NONE, ("opt_out", "opt_out")),  # another rule does the same
        ("halt", Effect.NEW, ("none", "opt_out")),
        ("hello", Effect.NONE, ("none", "none")),
    ],
)
def test_what_the_replaced_rule_decided_alone_is_lost(text: str, effect: Effect, kinds: tuple[str, str]) -> None:
    change = Comparison(rule(1, "Leave", "halt"), PRESENT).change(ReceivedText(text))
    assert (change.effect, change.before.kind, change.after.kind) == (effect, *kinds)


def test_a_follow_up_that_is_not_asked_any_more_is_lost_too() -> None:
    change = Comparison(rule(3, "Hours", "closed", action="NONE"), PRESENT).change(ReceivedText("are you open"))
    assert change.effect is Effect.LOST


def test_a_new_rule_loses_nothing() -> None:
    assert Comparison(rule(9, "New", "halt"), PRESENT).change(ReceivedText("please leave")).effect is Effect.NONE
