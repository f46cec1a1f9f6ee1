"""The words that messages may name as their way out: those that an account's opt-out rules match as a whole reply."""

from collections.abc import Iterable
from functools import lru_cache

from services.optout.rules.actions import ACTIONS
from services.optout.rules.rule import Rule
from shared.gate import ANY
from shared.instructions.everything import JOINED_WITH_ALL
from shared.instructions.normalise import normalise

MAX_WORDS = 2_000
"""Of an account: those of its first rules."""
_MATCH_TYPES = ("exact", "stands_alone", "starts_with", "contains")
"""Those whose terms match a reply that is the term. A word that a pattern or a detector finds is not promised."""
_BEFORE_ALL = ("exact", "stands_alone")
"""Those whose terms the engine looks for in "stopall"; "stop all" is found by the gate itself, for all types."""
_MAX_PARTS = 3
_MAX_CHARACTERS = 40
"""Of a word: an instruction names no longer ones."""


def instruction_words(rules: Iterable[Rule]) -> dict[str, tuple[str, ...]]:
    """Return the words that active opt-out rules match, in the rules' order, by the sender number they hold on."""
    words: dict[str, dict[str, None]] = {}
    room = MAX_WORDS
    for rule in sorted(rules, key=lambda each: each.position):
        if rule.enabled and ACTIONS[rule.action].decides == "opt_out" and not rule.only_as_answer:
            found = _words_of(rule.match_type, rule.terms)[:room]
            room -= len(found)
            words.setdefault(rule.sender_number, {}).update(dict.fromkeys(found))
    return {number: tuple(found) for number, found in words.items() if found}


@lru_cache(maxsize=1_024)
def _words_of(match: str, terms: tuple[str, ...]) -> tuple[str, ...]:
    if match == "any":
        return (ANY,)
    if match not in _MATCH_TYPES:
        return ()
    normalised = dict.fromkeys(map(normalise, terms))
    if match in _BEFORE_ALL:
        normalised |= dict.fromkeys(f"{each}all" for each in normalised if each in JOINED_WITH_ALL)
    return tuple(each for each in normalised if len(each) <= _MAX_CHARACTERS and each.count(" ") < _MAX_PARTS)
