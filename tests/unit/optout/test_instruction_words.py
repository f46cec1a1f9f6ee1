"""A word that the gate takes for a way out is one that the rules decide as an opt-out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.optout.rules import DEFAULT_RULES, Rule, RuleSet, VersionedRule
from services.optout.rules.instruction_words import MAX_WORDS, instruction_words
from shared.gate import ANY, GateSettings, judge, offered_by

NUMBERS = ("*", "+18335550101", "+18335550102")
TERMS = ("stop", "Fin", "opt out", "BAJA", "no more", "st\u00f6p", "leave", "stop all", "yes", "no", "n")
rules = st.builds(
    Rule,
    name=st.just("a rule"),
    enabled=st.booleans(),
    sender_number=st.sampled_from(NUMBERS),
    match=st.sampled_from(["exact", "starts_with", "contains", "stands_alone"]),
    terms=st.lists(st.sampled_from(TERMS), min_size=1, max_size=3).map(tuple),
    action=st.sampled_from(["OPT_OUT", "OPT_IN", "NONE"]),
    position=st.integers(0, 3),
    only_as_answer=st.booleans(),
)


@given(st.lists(rules, max_size=6), st.sampled_from(NUMBERS[1:]))
def test_each_word_is_an_opt_out_on_its_number(given_rules: list[Rule], number: str) -> None:
    settings = GateSettings(words=instruction_words(given_rules))
    decides = RuleSet([VersionedRule(place, 1, rule) for place, rule in enumerate(given_rules)])
    for word in {word for words in settings.words.values() for word in words}:
        if settings.works(word, number):
            assert decides.match(word, sender_number=number).kind == "opt_out"


@given(
    st.lists(rules, max_size=6),
    st.sampled_from(NUMBERS[1:]),
    st.sampled_from(["STOP", "FIN", "BAJA", "LEAVE", "STOP ALL", "STOPALL", "BAJA ALL", "LEAVE ALL", "N"]),
)
def test_a_message_that_passes_names_a_word_that_opts_out(given_rules: list[Rule], number: str, word: str) -> None:
    body = f"Sale today. Reply {word} to opt out"
    verdict = judge(body, offered_by(body), number, GateSettings(words=instruction_words(given_rules)))
    decides = RuleSet([VersionedRule(place, 1, rule) for place, rule in enumerate(given_rules)])
    passes, opts_out = verdict == body, decides.match(word, sender_number=number).kind == "opt_out"
    # What may follow a term is not among the words: "LEAVE ALL" is not promised by a rule for what starts with "leave".
    are_whole = all(rule.match_type in ("exact", "stands_alone") for rule in given_rules)
    assert passes == opts_out if are_whole else passes <= opts_out


def test_the_default_rules_match_the_words_that_messages_name() -> None:
    words = instruction_words(DEFAULT_RULES)["*"]
    assert {"stop", "stopall", "unsubscribe", "end", "quit", "cancel", "opt out"} <= set(words)


def test_a_word_is_joined_with_all_where_the_engine_looks_for_that() -> None:
    for match, expected in (("exact", ("stopp", "stoppall")), ("stands_alone", ("stopp", "stoppall"))):
        assert instruction_words([Rule(name="x", match=match, terms=("stopp",), action="OPT_OUT")])["*"] == expected
    starts = Rule(name="x", match="starts_with", terms=("stopp", "end"), action="OPT_OUT")
    assert instruction_words([starts]) == {"*": ("stopp", "end")}
    assert instruction_words([Rule(name="x", match="exact", terms=("end",), action="OPT_OUT")]) == {"*": ("end",)}


@pytest.mark.parametrize("match", ["regex", "detector", "does_not_contain"])
def test_what_only_a_search_finds_is_not_a_word(match: str) -> None:
    terms = ("echo",) if match == "detector" else ("stop",)
    assert instruction_words([Rule(name="x", match=match, terms=terms, action="OPT_OUT")]) == {}


def test_a_rule_for_any_reply_has_every_word() -> None:
    assert instruction_words([Rule(name="x", match="any", action="OPT_OUT")]) == {"*": (ANY,)}


def test_there_is_a_limit_to_the_words_of_an_account() -> None:
    many = [
        Rule(name="x", match="exact", terms=tuple(f"w{n}x{m}" for m in range(500)), action="OPT_OUT") for n in range(6)
    ]
    assert sum(map(len, instruction_words(many).values())) == MAX_WORDS
