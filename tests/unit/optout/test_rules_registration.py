"""A match type, a detector and an action are registered once: parsing, the engine and the API read the same tables."""

from collections.abc import Iterable, Sequence

import pytest
from pydantic import ValidationError

from services.optout.api.errors import ApiError
from services.optout.api.rule_fields import GivenRule, rule_of, shown
from services.optout.rules import Rule, RuleMatch, RuleSet, VersionedRule
from services.optout.rules.actions import ACTIONS, Action
from services.optout.rules.detectors import DETECTORS, Finding
from services.optout.rules.match_types import MATCH_TYPES
from services.optout.rules.matcher import Hit, MatchType, ReplyContext, RuleTerms
from services.optout.rules.normalised_reply import NormalisedReply
from shared.instructions.find import Instruction


class LastWord:
    def __init__(self, rules: Sequence[RuleTerms]) -> None:
        self._rules = [(rule_index, term) for rule_index, terms in rules for term in terms]

    def hits(self, reply: ReplyContext) -> Iterable[Hit]:
        return [Hit(rule_index, term) for rule_index, term in self._rules if reply.normalised.words[-1] == term]


def check_single_words(terms: Sequence[str]) -> None:
    for term in terms:
        if " " in term:
            raise ValueError(f"terms: {term!r} is more than one word")


def find_number(normalised: NormalisedReply, instruction: Instruction | None) -> Finding | None:  # noqa: ARG001
    return Finding("held", "number", normalised.text) if normalised.text.isdecimal() else None


def given(**fields: object) -> Rule:
    return rule_of(GivenRule.model_validate({"rule_name": "r", "action": "OPT_OUT"} | fields))


def matched(body: str, *rules: Rule) -> RuleMatch:
    return RuleSet([VersionedRule(n, 1, each) for n, each in enumerate(rules, 1)]).match(body)


def test_a_match_type_is_registered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        MATCH_TYPES, "ends_with", MatchType(matcher=LastWord, check=check_single_words, clicksend_number=4)
    )
    rule = given(match="ends_with", terms=["enough"])
    seen = shown(VersionedRule(1, 1, rule))
    assert (seen["match"], seen["message_search_type"]) == ("ends_with", 4)
    assert matched("That is enough!", rule)[:3] == ("opt_out", "keyword", "r")
    assert matched("Enough of that", rule).kind == "none"
    with pytest.raises(ApiError, match="more than one word"):
        given(match="ends_with", terms=["that is enough"])


def test_a_detector_is_registered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ApiError, match="is not a detector"):
        given(match="detector", terms=["number"])
    monkeypatch.setitem(DETECTORS, "number", find_number)
    rule = given(match="detector", terms=["number"])
    assert matched("1234", rule)[:3] == ("held", "number", "r")
    assert matched("1234 ok", rule).kind == "none"


def test_an_action_is_registered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ACTIONS, "LEAVE", Action(decides="opt_out"))
    rule = given(match="exact", terms=["ciao"], action="LEAVE")
    assert matched("Ciao!", given(match="any", action="HELP"), rule)[:4] == ("opt_out", "keyword", "r", 2)
    with pytest.raises(ApiError, match="HELP, AUTO_REPLY, URL, MOVE_CONTACT, NONE, LEAVE"):
        given(match="any", action="GO")


@pytest.mark.parametrize("field", ["match", "action"])
def test_an_unknown_name_is_refused_with_all_that_there_are(field: str) -> None:
    registered = MATCH_TYPES if field == "match" else ACTIONS
    with pytest.raises(ValidationError) as error:
        Rule.model_validate({"name": "r", "match": "any", "action": "NONE", field: "other"})
    assert error.value.errors()[0]["type"] == "literal_error"
    assert all(repr(name) in str(error.value) for name in registered)
