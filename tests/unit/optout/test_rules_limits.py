"""What a rule can cost, whoever saved it and whoever writes: measured in processor time."""

import random
import time
from collections.abc import Callable

import pytest

from services.optout.batch_search import BATCH_SECONDS, MESSAGE_SECONDS, Job, Text, search_all
from services.optout.decision_log.stored_rules import AccountRules
from services.optout.rules import DEFAULT_RULES, Rule, RuleSet, SearchResult, VersionedRule
from services.optout.rules.patterns import MAX_STEPS, compile_pattern
from services.optout.rules.size import LIMITS, size_of

_A_OR_B = "".join(random.Random(1).choices("ab", k=20_000))  # noqa: S311 (a text, no secret)
GROWING = [f"a[ab]{{{90 - n}}}[c{chr(100 + n)}]" for n in range(20)]
"""Patterns that remember which of the last ninety letters was an a: RE2 has a new state for every letter."""
# Each was slow, or grows by normalisation.
HOSTILE = {
    "a letter that becomes eighteen": "\ufdfa" * 20_000,
    "a clause a word": "stop. " * 3_334,
    "clauses that differ": " ".join(f"stop, x{n}." for n in range(2_000)),
    "line breaks": "\n" * 20_000,
    "beginnings of signatures": "sent from my " * 1_539,
    "dashes on lines": "\n--\n" * 5_000,
    "quotation marks": '"' * 20_000,
    "openings of reactions": 'liked "' * 2_858,
    "requests": "stop texting me. " * 1_177,
    "words that differ": " ".join(f"wrd{n:x}zq" for n in range(2_300)),
    "letters with spaces": "s.t o-p_" * 2_500,
    "one word": "stooooop" * 2_500,
    "scripts mixed": "ѕtор " * 4_000,
    "accents": "s\u0301\u0302\u0303" * 5_000,
    "invisible letters": "s\u200bt\u00ad" * 5_000,
    "stop signs": "\U0001f6d1" * 20_000,
}


def rule_set(*rules: Rule) -> RuleSet:
    return RuleSet([VersionedRule(n, 1, rule) for n, rule in enumerate(rules, 1)])


def regex(*patterns: str, action: str = "OPT_OUT") -> Rule:
    return Rule.stored(
        Rule.model_construct(name="r", match_type="regex", terms=patterns, action=action).model_dump_json()  # type: ignore[arg-type]
    )


def seconds_of(do: Callable[[], object]) -> float:
    began = time.thread_time()
    do()
    return time.thread_time() - began


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("instruction", [None, "Sale today. Reply STOP to opt out"])
def test_the_longest_hostile_text_is_decided_in_milliseconds(text: str, instruction: str | None) -> None:
    rules = rule_set(*DEFAULT_RULES)
    taken = min(seconds_of(lambda: rules.match(text, answered_text=instruction)) for _ in range(3))
    assert taken < 0.06  # the worst is at 0.02 on a quiet machine; what is quadratic takes ten times that


def test_no_pattern_is_run_on_a_text_where_it_may_take_long() -> None:
    pattern = compile_pattern("a[ab]{400}c")
    rules = rule_set(regex("a[ab]{400}c"))
    longest = MAX_STEPS // pattern.instructions
    assert rules.match(_A_OR_B[:longest]).kind == "none"
    assert rules.match(_A_OR_B[: longest + 1])[:2] == ("held", "rules_too_slow")
    assert seconds_of(lambda: pattern.is_in(_A_OR_B[:longest].encode())) < 0.03


def test_a_stop_is_an_opt_out_although_the_patterns_are_too_slow() -> None:
    rules = rule_set(regex("a[ab]{900}c"), *DEFAULT_RULES)
    for stop in ("Stop", "STOP!! thanks", "please stop texting me. " + "x" * 5_000):
        assert rules.match(stop).kind == "opt_out", stop
    for other in (f"start {_A_OR_B}", _A_OR_B):
        assert rules.match(other)[:2] == ("held", "rules_too_slow")


def test_a_pattern_that_was_found_before_the_time_was_over_counts() -> None:
    rules = rule_set(regex("zq7", *GROWING))
    calls = iter((False, *[True] * 100))
    found = rules.search("zq7", lambda: next(calls))
    assert not found.is_whole
    assert rules.after_search(found).match("zq7").kind == "opt_out"
    assert rules.after_search(rules.search("zq8", lambda: True)).match("zq8")[:2] == ("held", "rules_too_slow")


def test_nothing_is_lacking_in_a_text_that_was_not_searched_to_its_end() -> None:
    rules = rule_set(Rule(name="r", match_type="does_not_contain", terms=("yes",), action="OPT_OUT"), regex("x"))
    assert rules.match("no").kind == "opt_out"
    assert rules.after_search(rules.search("no", lambda: True)).match("no").matched_by == "rules_too_slow"


def test_one_account_uses_up_its_share_and_another_that_comes_with_it_is_searched() -> None:
    hostile, honest = AccountRules(rule_set(regex(*GROWING))), AccountRules(rule_set(regex(r"\bleave me\b")))
    of_hostile = [f"{n}{_A_OR_B[:1_000]}" for n in range(30)]
    of_honest = f"well then leave me be {'x' * 1_500}"
    jobs = [Job("hostile", hostile, of_hostile), Job("honest", honest, [of_honest])]
    found: dict[Text, SearchResult] = {}
    assert seconds_of(lambda: found.update(search_all(jobs))) < BATCH_SECONDS + 0.03
    assert not all(found["hostile", body].is_whole for body in of_hostile)
    assert found["honest", of_honest].is_whole
    assert jobs[0].order() > jobs[1].order()


def test_many_accounts_together_take_no_more_than_one_batch_may() -> None:
    jobs = [Job(f"a{n}", AccountRules(rule_set(regex(*GROWING))), [_A_OR_B[:5_000]]) for n in range(100)]
    assert seconds_of(lambda: search_all(jobs)) < BATCH_SECONDS + 100 * MESSAGE_SECONDS + 0.03


def test_the_largest_rules_that_can_be_saved_are_compiled_in_milliseconds() -> None:
    words = [f"wörd{n} {'x' * 20}" for n in range(LIMITS.terms - LIMITS.patterns)]
    parts = [words[first : first + 500] for first in range(0, len(words), 500)]
    terms = [Rule(name=f"w{n}", match_type="contains", terms=part, action="NONE") for n, part in enumerate(parts)]
    patterns = regex(*[f"a[ab]{{90}}{chr(97 + n % 26)}" for n in range(LIMITS.patterns)])
    size = size_of([patterns, *terms])
    assert max(is_ - limit for is_, limit in zip(size, LIMITS, strict=True)) <= 0, size
    assert (size.terms, size.patterns) == (LIMITS.terms, LIMITS.patterns)
    assert min(seconds_of(lambda: rule_set(patterns, *terms)) for _ in range(3)) < 0.05


@pytest.mark.parametrize(
    "patterns",
    [
        ["[a-z0-9]{950}x"] * 500,
        [r"\pL" * 166] * 500,
        [r"[\pL\PL]" * 62] * 500,
        ["(?:" * 90 + "a" + ")?" * 90 + "zzqz"] * 500,
    ],
    ids=["long programs", "too large each", "classes that are everything", "nested"],
)
def test_what_was_saved_before_there_were_limits_is_compiled_as_far_as_they_go(patterns: list[str]) -> None:
    rules = [*DEFAULT_RULES, regex(*patterns)]
    assert seconds_of(lambda: rule_set(*rules)) < 0.2
    ready = rule_set(*rules)
    assert ready.patterns <= LIMITS.patterns
    assert ready.match("STOP").kind == "opt_out"
    assert ready.match("hello there")[:2] == ("held", "rules_too_slow")
