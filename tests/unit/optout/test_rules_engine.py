"""Which rule answers: every way of matching, the order, and what the answer says."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.optout.rules import DEFAULT_RULES, Rule, RuleMatch, RuleSet, VersionedRule
from services.optout.rules.detectors import DETECTORS

DEFAULTS = RuleSet([VersionedRule(n, 1, rule) for n, rule in enumerate(DEFAULT_RULES, 1)])
OFFER = "Sale today. Reply STOP to opt out"


def rule(match: str, *terms: str, action: str = "OPT_OUT", **more: Any) -> Rule:
    return Rule.model_validate({"name": "r", "match": match, "terms": terms, "action": action, **more})


def matched(body: str, *rules: Rule, **how: Any) -> RuleMatch:
    return RuleSet([VersionedRule(n, 10 + n, each) for n, each in enumerate(rules, 1)]).match(body, **how)


@pytest.mark.parametrize(
    "body",
    [
        "STOP",
        "Stop. Thank you",
        "stop please",
        "STOP STOP STOP",
        "please stop!!",
        "🛑",
        "End",
        "Unsubscribe!!",
        "opt-out",
    ],
)
def test_a_standalone_keyword_opts_out(body: str) -> None:
    assert DEFAULTS.match(body).kind == "opt_out"


@pytest.mark.parametrize("body", ["not her, stop", "I give enough. STOP.", "STOP. I never agreed", "Leave it. Stop."])
def test_an_opt_out_word_that_is_a_sentence_of_its_own_counts(body: str) -> None:
    assert DEFAULTS.match(body, answered_text=OFFER).kind == "opt_out"
    assert DEFAULTS.match(body).kind in ("opt_out", "held")


@pytest.mark.parametrize(
    "body",
    [
        "STOP this terrible bill",
        "the bus stop",
        "don't stop",
        "I'll stop by at 5",
        "cancel my appointment",
        "in the end",
        "",
        "😀",
        "\x00",
        "Liked “Reply STOP to opt out”",
        "How do we get to the next stop, the one at the end?",
    ],
)
def test_the_same_words_in_another_sense_do_not(body: str) -> None:
    assert DEFAULTS.match(body).kind == "none"


@pytest.mark.parametrize(
    ("match", "term", "yes", "no"),
    [
        ("exact", "Bye!", "  BYE ", "bye bye"),
        ("starts_with", "no more", "No more, thanks", "no moreover"),
        ("contains", "off", "take me off it", "official"),
        ("does_not_contain", "hello", "bye", "Hello there"),
        ("regex", r"^(no|not) more\b", "not more", "some more"),
        ("stands_alone", "basta", "Basta, gracias", "basta ya de ruido"),
        ("any", "", "whatever", None),
    ],
)
def test_each_way_of_matching(match: str, term: str, yes: str, no: str | None) -> None:
    one = rule(match, *([term] if term else []))
    assert matched(yes, one).kind == "opt_out"
    assert no is None or matched(no, one).kind == "none"


def test_the_answer_names_rule_version_term_place_and_steps() -> None:
    found = matched("I wish: T A K E me off", rule("contains", "take me"))
    assert (found.rule, found.rule_id, found.version, found.term) == ("r", 1, 11, "take me")
    assert (found.start, found.end, found.normalised_by) == (7, 14, ("spaced_letters",))


def test_opt_outs_come_before_opt_ins_and_these_before_help_and_the_rest() -> None:
    rest, help_, in_, out = (rule("any", action=action) for action in ("NONE", "HELP", "OPT_IN", "OPT_OUT"))
    assert matched("x", rest, help_, in_, out).kind == "opt_out"
    assert matched("x", rest, help_, in_).kind == "opt_in"
    assert matched("x", rest, help_).kind == "help"
    assert [each.rule.action for each in matched("x", rest).follow_ups] == ["NONE"]


def test_what_friends_say_too_needs_an_instruction_where_chat_is_beside_it() -> None:
    assert DEFAULTS.match("The end.").kind == "none"
    assert DEFAULTS.match("ok end", answered_text="Reply END to leave").kind == "opt_out"
    assert DEFAULTS.match("End").kind == "opt_out"


def test_the_first_by_position_and_then_by_id_wins() -> None:
    assert matched("x", rule("exact", "x"), rule("exact", "x", position=-1)).rule_id == 2
    assert matched("x", rule("exact", "x"), rule("exact", "x")).rule_id == 1


def test_nothing_follows_an_opt_out() -> None:
    reply = rule("any", action="AUTO_REPLY", action_address="Hello")
    assert matched("x", reply, rule("exact", "x")).follow_ups == ()


def test_a_disabled_rule_and_one_of_another_number_do_not_match() -> None:
    assert matched("x", rule("exact", "x", enabled=False)).kind == "none"
    other = rule("exact", "x", sender_number="12345")
    assert matched("x", other, sender_number="54321").kind == "none"
    assert matched("x", other, sender_number="12345").kind == "opt_out"


def test_yes_counts_only_as_an_answer_to_an_opt_in_question() -> None:
    assert DEFAULTS.match("Yes").kind == "none"
    assert DEFAULTS.match("Yes", answered_text="See you at 8?").kind == "none"
    assert DEFAULTS.match("Yes", answered_text="Reply YES to subscribe").kind == "opt_in"


@pytest.mark.parametrize(
    ("match", "terms", "said"),
    [
        ("exact", [], "needs at least one term"),
        ("contains", ["!!!"], "neither letters nor digits"),
        ("regex", ["a(?=b)"], "looking ahead"),
        ("regex", [r"(a)\1"], "back-references"),
        ("regex", ["(?>a)"], "atomic groups"),
        ("regex", ["a("], "missing"),
        ("detector", ["oracle"], "is not a detector"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_with_the_reason(match: str, terms: list[str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        rule(match, *terms)


def test_as_many_patterns_as_an_account_may_have_are_all_searched_for() -> None:
    large = [rule("regex", rf"\b(?:[a-z]{{1,5}} ){{1,5}}zq{n}\b") for n in range(100)]
    found = matched("well, please take me off", *large, rule("contains", "take me off"))
    assert (found.kind, found.rule_id) == ("opt_out", 101)
    assert matched("a b zq7", *large, rule("contains", "take me off")).rule_id == 8


OFF_LIST = "take me off your list"
"""A request that the detector of plain words is certain about."""


@pytest.mark.parametrize("action", ["OPT_IN", "HELP"])
def test_no_detector_is_asked_where_a_certain_rule_decides(action: str) -> None:
    detector, own = rule("detector", "plain_words"), rule("exact", OFF_LIST, action=action)
    assert matched(OFF_LIST, detector).kind == "opt_out"
    assert matched(OFF_LIST, detector, own).kind == action.lower()
    likely = rule("stands_alone", "back", action=action)
    assert matched(f"{OFF_LIST}. back", detector, likely).kind == "opt_out"


def test_no_detector_is_asked_after_one_that_is_certain(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()
    monkeypatch.setitem(DETECTORS, "last", lambda reading, _: asked.append(reading.text))
    detectors = rule("detector", "plain_words", "last")
    assert matched(OFF_LIST, detectors).kind == "opt_out"
    assert asked == []
    assert matched("see you", detectors).kind == "none"
    assert asked == ["see you"]


def test_where_a_term_matched_is_where_it_is_a_word_of_its_own() -> None:
    found = matched("I love stopping by. stop", rule("stands_alone", "stop"), answered_text=OFFER)
    assert (found.start, found.end) == (19, 23)  # of the text without its marks
