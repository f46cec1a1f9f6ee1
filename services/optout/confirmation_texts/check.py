"""Why a text must not confirm opt-outs. It finds what is in its lists, and cannot know that a text sells nothing."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files

from services.optout.rules import RuleSet, VersionedRule
from services.optout.rules.packs import PACKS
from shared.instructions.normalise import normalise
from shared.segments import segments_of

MAX_SEGMENTS = 2
_LIST_WORD = re.compile(r"\w{2,20}")


@dataclass(frozen=True, slots=True)
class CheckedText:
    """A text to check: that of an account with this name; with a `list_word` it asks how far the opt-out goes."""

    text: str
    account_name: str
    list_word: str | None = None


@dataclass(frozen=True, slots=True)
class _Promotional:
    words: tuple[str, ...]
    patterns: Mapping[str, "re.Pattern[str]"]


@lru_cache(maxsize=1)
def _promotional() -> _Promotional:
    given = tomllib.loads(files(__package__).joinpath("data", "promotional.toml").read_text("utf-8"))
    words = (word for of_language in given["words"].values() for word in of_language.split(","))
    return _Promotional(
        tuple(dict.fromkeys(filter(None, map(normalise, words)))),
        {name: re.compile(pattern) for name, pattern in given["patterns"].items()},
    )


def why_not(checked: CheckedText, rules: Sequence[VersionedRule]) -> str | None:
    """Return what is wrong with a text, and what to do; None: nothing is found. `rules` are the account's."""
    return next(_problems(checked, rules), None)


def _problems(checked: CheckedText, rules: Sequence[VersionedRule]) -> Iterator[str]:
    size, words = segments_of(checked.text), _padded(checked.text)
    if size.number > MAX_SEGMENTS:
        yield f"text: it takes {size.number} segments ({size.encoding}); {MAX_SEGMENTS} are the limit: write less"
    for what, pattern in _promotional().patterns.items():
        if found := pattern.search(checked.text):
            yield f"text: it has {what} ({found[0].strip()[:20] or 'it is invisible'}); leave that out"
    if _padded(checked.account_name) not in words:
        yield f"text: it does not name the account; write {checked.account_name!r} as a word of it"
    own = _padded(checked.account_name)
    without_name = words.replace(own, "  ")
    for word in _promotional().words:
        if f" {word} " in without_name:
            yield f"text: {word!r} promotes something; a confirmation only says that no more messages come"
    if checked.list_word is not None:
        yield from _problems_of_word(checked.list_word, words, rules)


def _problems_of_word(list_word: str, words: str, rules: Sequence[VersionedRule]) -> Iterator[str]:
    word = normalise(list_word)
    if not _LIST_WORD.fullmatch(word):
        yield "list_word: write one word of 2 to 20 letters or digits, such as LIST"
    if f" {word} " not in words:
        yield f"list_word: the text does not offer {list_word.upper()}; write it as a word of the text"
    if any(word in map(normalise, rule.terms) for pack in PACKS.values() for rule in pack):
        yield f"list_word: {list_word.upper()} opts out, or in, by a rule that accounts have; choose another"
    if RuleSet([_on_any_number(each) for each in rules]).match(word).kind != "none":
        yield f"list_word: an active rule of the account matches {list_word.upper()}; choose another"


def _on_any_number(versioned: VersionedRule) -> VersionedRule:
    return replace(versioned, rule=versioned.rule.model_copy(update={"sender_number": "*", "only_as_answer": False}))


def _padded(text: str) -> str:
    return f" {normalise(text)} "
