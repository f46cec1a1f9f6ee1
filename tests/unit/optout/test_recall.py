"""How many of the replies in tests/data whose answer is certain get it; `test_labelled_replies.py` has the others."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.optout.rules import DEFAULT_RULES, RuleSet, VersionedRule
from services.optout.rules.packs import PACKS

REPLIES = Path(__file__).parents[2] / "data" / "replies"
RULES = RuleSet([VersionedRule(n, 1, rule) for n, rule in enumerate(DEFAULT_RULES, 1)])
PACKED = RuleSet([VersionedRule(n, 1, rule) for n, rule in enumerate([r for p in PACKS.values() for r in p], 1)])
OF_PACKS = ("other/everything.txt",)
"""Decided with all packs on, the others with the rules of a new account."""
SCOPES = {
    "en/everything.txt": "account",
    "other/everything.txt": "account",
    "en/one_list.txt": "list",
}
FLOORS = {
    "en/keywords.txt": 1.0,
    "en/echo.txt": 0.95,
    "en/leave_words.txt": 0.95,
    "en/near_leave_words.txt": 0.95,
    "en/requests.txt": 0.93,
    "en/requests_in_answer.txt": 0.95,
    "en/refusals.txt": 0.9,
    "en/wrong_person.txt": 0.9,
    "en/wrong_person_in_answer.txt": 0.9,
    "en/near_requests.txt": 0.98,
    "en/everything.txt": 1.0,
    "en/near_everything.txt": 1.0,
    "en/one_list.txt": 1.0,
    "en/reactions.txt": 1.0,
    "other/requests.txt": 0.9,
    "other/mixed.txt": 0.9,
    "other/everything.txt": 1.0,
    "other/ordinary.txt": 1.0,
}


def replies(path: Path) -> Iterator[tuple[str, str | None, set[str]]]:
    instruction, expected = None, set[str]()
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("# instruction:"):
            instruction = line.removeprefix("# instruction:").strip()
        elif line.startswith("# expect:"):
            expected = set(line.removeprefix("# expect:").split())
        elif line.strip() and not line.startswith("# "):
            yield line, instruction, expected


def test_every_file_has_a_floor() -> None:
    assert {path.relative_to(REPLIES).as_posix() for path in REPLIES.glob("*/*.txt")} == set(FLOORS)


@pytest.mark.parametrize("name", FLOORS)
def test_replies_get_a_right_answer(name: str) -> None:
    all_of_it = list(replies(REPLIES / name))
    rules = PACKED if name in OF_PACKS else RULES
    kinds = [(text, rules.match(text, answered_text=instruction).kind) for text, instruction, _ in all_of_it]
    wrong = [
        f"{text!r}: {kind}" for (text, kind), (_, _, right) in zip(kinds, all_of_it, strict=True) if kind not in right
    ]
    share = 1 - len(wrong) / len(all_of_it)
    certain = sum(kind == "opt_out" for _, kind in kinds)
    print(f"{name}: {share:.1%} of {len(all_of_it)} right, {certain} certain")  # noqa: T201
    assert share >= FLOORS[name], "\n".join(wrong)


@pytest.mark.parametrize("name", SCOPES)
def test_an_opt_out_reaches_as_far_as_it_says(name: str) -> None:
    rules = PACKED if name in OF_PACKS else RULES
    found = [(text, rules.match(text, answered_text=instruction)) for text, instruction, _ in replies(REPLIES / name)]
    wrong = [text for text, match in found if match.kind in ("opt_out", "held") and match.reach != SCOPES[name]]
    assert wrong == []
