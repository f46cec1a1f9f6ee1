"""Leave-words in what is written around them: "Stop my phone plan is tiny", "Quit end quit", "STOP HELP", "quit2stop".

Where a keyword is alone, the account's rules have matched already. Here a leave-word has company:

| the reply                                                     | in answer to a message | to nobody's question |
|---------------------------------------------------------------|------------------------|----------------------|
| only leave-words, however many                                | certain                | held                 |
| leave-words, and words for staying or for help, in any order  | held                   | held                 |
| a sentence that is a compound of leave-words: "quit2stop"     | certain                | held                 |
| begins or ends with one, whose neighbours do not turn it      | held                   | -                    |
"""

import tomllib
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise, product

from services.optout.rules.detectors.finding import Finding
from services.optout.rules.detectors.judgement import is_about_another_thing
from services.optout.rules.normalised_reply import NormalisedReply
from services.optout.rules.standalone import POLITE
from services.optout.rules.word_classes import WORD_CLASSES
from shared.instructions.find import Instruction

_DATA = tomllib.loads(files(__package__).joinpath("data", "leave_words.toml").read_text("utf-8"))
_LEAVE = frozenset(_DATA["leave"].split())
_STAY = frozenset(_DATA["stay"].split())
_TURNING_NEXT = frozenset(_DATA["turning_next"].split())
_TURNING_BEFORE = frozenset(_DATA["turning_before"].split())
_OF_AN_OBJECT = frozenset(_DATA["of_an_object"].split())
_OF_A_CLAUSE = frozenset(_DATA["of_a_clause"].split())
_ENDS_OF_OTHER_THINGS = frozenset(_DATA["ends_of_other_things"].split())
_PARTS = _DATA["compound"].split()
_COMPOUNDS = frozenset(
    (*_DATA["joined"].split(), *("".join(parts) for count in (2, 3) for parts in product(_PARTS, repeat=count)))
)
_HAS_COMPOUND = WORD_CLASSES.register(_COMPOUNDS)
_IS_ONE = WORD_CLASSES.register(_LEAVE | _COMPOUNDS)
_DENYING = frozenset(_DATA["denying"].split())
_MOST_WORDS = 60
_MOST_WORDS_IN_REASONS = 24
_MOST_WORDS_BEFORE_LAST = 14


def find_leave_words(normalised: NormalisedReply, instruction: Instruction | None) -> Finding | None:
    """Return the leave-words that the reply is, begins with, or ends with."""
    words = normalised.words
    asked_for = frozenset[str]() if instruction is None else _asked_for(instruction.words)
    if not normalised.classes & _IS_ONE and asked_for.isdisjoint(words):
        return None
    if len(words) > _MOST_WORDS:
        return None
    leave = _LEAVE | asked_for
    own = [word for word in words if word not in POLITE] or list(words)
    if all(word in leave or word in _COMPOUNDS for word in own):
        return _certain_in(instruction, " ".join(own)) if len(own) > 1 or own[0] not in leave else None
    if all(word in leave or word in _STAY for word in own):
        return Finding("held", "plain_words", " ".join(own))
    if normalised.classes & _HAS_COMPOUND:
        for sentence in normalised.sentences:
            if sentence in _COMPOUNDS:
                return _certain_in(instruction, sentence)
    if instruction is None:
        return None
    return _at_an_end(normalised, words, leave - (_ENDS_OF_OTHER_THINGS - asked_for))


@lru_cache(maxsize=1_024)
def _asked_for(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(words) | frozenset(word for each in words for word in each.split() if word in _LEAVE)


def _certain_in(instruction: Instruction | None, term: str) -> Finding:
    return Finding("held" if instruction is None else "opt_out", "plain_words", term)


def _at_an_end(normalised: NormalisedReply, words: Sequence[str], leave: frozenset[str]) -> Finding | None:
    """Return the leave-word that an answer begins or ends with; never certain."""
    for sentence, is_question in zip(normalised.sentences, normalised.is_question, strict=True):
        its = sentence.split(" ")
        if its[0] in leave or its[0] in _COMPOUNDS:
            if len(its) <= _MOST_WORDS_IN_REASONS and not is_question and not _is_turned_by_next(sentence, its):
                return Finding("held", "plain_words", its[0])
            break
    is_short = 1 < len(words) <= _MOST_WORDS_BEFORE_LAST
    if is_short and words[-1] in leave and not normalised.is_question[-1] and not _is_turned_before(words):
        return Finding("held", "plain_words", words[-1])
    return None


def _is_turned_by_next(sentence: str, words: Sequence[str]) -> bool:
    """Say whether what follows the first word makes something else of it: "stop by", "cancel my appointment"."""
    if len(words) == 1:
        return False
    if is_about_another_thing(f"{sentence} ", len(words[0]) + 1):
        return True
    following = words[1]
    if following in _OF_AN_OBJECT:
        return _OF_A_CLAUSE.isdisjoint(words[2:])
    return following in _TURNING_NEXT or (following.endswith("ing") and len(following) > len("ring"))


def _is_turned_before(words: Sequence[str]) -> bool:
    """Say whether the words before the last one make something else of it: "the bus stop", "dont stop"."""
    if words[-2] != "not":
        return words[-2] in _TURNING_BEFORE
    return len(words) > 2 and any(first in _DENYING and second == "not" for first, second in pairwise(words))
