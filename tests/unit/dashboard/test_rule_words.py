"""A rule as a sentence: what a person reads is what the rule does."""

from typing import Any

import pytest

from services.dashboard.pages.rule_words import ACTIONS, GROUPS, MATCHES, group_of, sentence
from services.optout.rules.actions import ACTIONS as ENGINE_ACTIONS
from services.optout.rules.match_types import MATCH_TYPES
from services.optout.rules.packs import PACKS


def rule(**fields: Any) -> dict[str, Any]:
    return {
        "match": "contains", "terms": ["leave"], "action": "OPT_OUT", "action_address": None, "scope": "list",
        "dedicated_number": "*", "only_as_answer": False, **fields,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "read"),
    [
        ({}, "A reply which contains “leave” opts out of the list that was answered."),
        (
            {"scope": "account", "dedicated_number": "+18335550123"},
            "A reply to +18335550123 which contains “leave” opts out of all lists.",
        ),
        (
            {"action": "AUTO_REPLY", "action_address": "We open at 9", "match": "any", "terms": []},
            "A reply which is any text gets an automatic reply: We open at 9.",
        ),
        (
            {"action": "OPT_IN", "only_as_answer": True, "terms": list("abcdef")},
            "A reply that answers a question which contains “a”, “b”, “c”, “d” or 2 more opts in again.",
        ),
    ],
)
def test_a_rule_is_read_as_a_sentence(fields: dict[str, Any], read: str) -> None:
    assert sentence(rule(**fields)) == read


def test_every_way_to_match_and_every_action_has_words() -> None:
    assert MATCHES.keys() == MATCH_TYPES.keys()
    assert ACTIONS.keys() == ENGINE_ACTIONS.keys()


def test_rules_are_grouped_in_the_order_in_which_they_are_asked() -> None:
    order = [group_of({"action": each.action, "match": each.match_type}) for pack in PACKS.values() for each in pack]
    assert set(order) <= set(GROUPS)
    assert group_of(rule()) == GROUPS[0]
    assert group_of(rule(action="NONE")) == GROUPS[-1]
