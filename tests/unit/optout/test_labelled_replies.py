"""How many of the labelled replies get the answer that is wanted, by kind and by language; floors keep it so.

`stopline rules test --file tests/data/replies/labelled/es.jsonl` shows the same as a table.
"""

import json
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from services.optout.rules import DEFAULT_RULES, RuleSet, VersionedRule
from services.optout.rules.detectors.languages import LANGUAGES

FOLDER = Path(__file__).parents[2] / "data" / "replies" / "labelled"
REQUESTS = frozenset(("opt_out", "held"))
FLOOR_OF_A_LANGUAGE = 0.91
FLOOR_OF_A_KIND = 0.9
"""A little below what was measured. The aim is .75 in every kind, and .88 of all, on replies that nobody has seen."""
FLOORS = {
    "chat": 0.8,
    "cost": 0.8,
    "complaint": 0.99,
    "deceased": 0.85,
    "emoji": 0.75,
    "indirect": 0.85,
    "mixed": 0.75,
    "negated": 0.94,
    "new_owner": 0.85,
    "not_interested": 0.75,
    "ordinary": 0.998,
    "other_thing": 0.95,
    "own_word": 0.6,  # the aim is .75: of "Reply STOP JOBS" only STOP is read
    "own_word3": 0.0,  # the aim is .75: "3 to opt out" without a verb is not read as an instruction
    "own_word4": 0.75,
    "own_word5": 0.95,
    "own_word6": 0.75,
    "partial_none": 0.8,
    "political": 0.97,
    "polite": 0.8,
    "praise": 0.8,
    "question_stop": 1.0,
    "quoted_none": 0.95,
    "rant": 0.98,
    "request": 0.985,
    "slang": 0.88,
    "work": 0.75,
    "wrong_person": 0.99,
}
MOST_OPTED_OUT_THAT_ASK_FOR_NOTHING = 2


class Labelled(NamedTuple):
    """A labelled reply, and the answer that it gets."""

    language: str
    text: str
    kind: str
    want: str
    answer: str

    @property
    def is_right(self) -> bool:
        """Whether the answer is the wanted one; a request is found if it is held, too."""
        return self.answer in REQUESTS if self.want in REQUESTS else self.answer == self.want


@cache
def labelled() -> tuple[Labelled, ...]:
    rules = RuleSet([VersionedRule(n, 1, rule) for n, rule in enumerate(DEFAULT_RULES, 1)])
    found = []
    for path in sorted(FOLDER.glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            reply = json.loads(line)
            answer = rules.match(reply["text"], answered_text=reply["instruction"]).kind
            found.append(Labelled(path.stem, reply["text"], reply["kind"], reply["want"], answer))
    return tuple(found)


def kinds() -> list[str]:
    lines = (line for path in FOLDER.glob("*.jsonl") for line in path.read_text("utf-8").splitlines())
    return sorted({json.loads(line)["kind"] for line in lines})


def test_every_language_is_there_with_as_many_other_replies_as_requests() -> None:
    counts: dict[str, Counter[bool]] = defaultdict(Counter)
    for each in labelled():
        counts[each.language][each.want in REQUESTS] += 1
    assert counts.keys() >= {language.code for language in LANGUAGES}
    assert [language for language, count in counts.items() if count[False] < count[True]] == []
    assert len(labelled()) >= 4_500


@pytest.mark.parametrize("kind", kinds())
def test_each_kind_gets_the_answers_that_are_wanted(kind: str) -> None:
    of_kind = [each for each in labelled() if each.kind == kind]
    wrong = [f"{each.language} {each.text!r}: {each.answer}" for each in of_kind if not each.is_right]
    assert 1 - len(wrong) / len(of_kind) >= FLOORS.get(kind, FLOOR_OF_A_KIND), "\n".join(wrong)


@pytest.mark.parametrize("language", sorted(path.stem for path in FOLDER.glob("*.jsonl")))
def test_requests_are_found_in_each_language(language: str) -> None:
    requests = [each for each in labelled() if each.language == language and each.want in REQUESTS]
    missed = [each.text for each in requests if not each.is_right]
    assert 1 - len(missed) / len(requests) >= FLOOR_OF_A_LANGUAGE, "\n".join(missed)


def test_next_to_nobody_is_opted_out_who_asks_for_nothing() -> None:
    wrong = [each for each in labelled() if each.want not in REQUESTS and each.answer == "opt_out"]
    assert len(wrong) <= MOST_OPTED_OUT_THAT_ASK_FOR_NOTHING, wrong
