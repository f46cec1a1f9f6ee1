"""Whether a term is alone: as the whole reply, or as a part of its own beside others.

A word such as "stop" is in many replies that ask for nothing ("the bus stop"). It counts where it is alone, in this
order:

1. **The whole reply** is a term, the same term again and again, or a term with words at its ends that do not change it:
   polite ones ("stop please"), or chatty ones ("oh ok stop"). Beside chat it is certain only in answer to an
   instruction, and what friends say too ("the end") counts in no other case.
2. **A part of the reply** between marks is one ("stop, I mean it"). Judged by `_in_clause`; the first certain part
   counts, else the first that is likely.
3. **The last word** of a short answer is what the instruction asked for ("not a democrat stop"). Never certain.
"""

import tomllib
from collections.abc import Container, Iterable, Iterator, Sequence
from importlib.resources import files
from typing import NamedTuple

from services.optout.rules.normalised_reply import NormalisedReply
from shared.instructions.everything import SAID_AMONG_FRIENDS
from shared.instructions.find import Instruction

_BESIDE = tomllib.loads(files(__package__).joinpath("data", "beside.toml").read_text("utf-8"))
POLITE = frozenset(_BESIDE["polite"].split())
CHATTY = frozenset(_BESIDE["chatty"].split())
"""Beside these a term is certain only in answer to an instruction."""
_UNMISTAKABLE = frozenset(
    ("unsubscribe", "stopall", "stop all", "optout", "opt out", "unsub", "stop2end", "desuscribir", "darme de baja",
     "desabonner", "abbestellen")
)  # fmt: skip
_TURNING = frozenset(_BESIDE["turning"].split())
"""Words that change the meaning of the word after them: "the bus stop", "dont stop"."""
_BESIDE_A_TERM = POLITE | CHATTY
_MAX_WORDS_BESIDE = 14
_MAX_SPACES_IN_PARTS = 4 * _MAX_WORDS_BESIDE
"""Of a longer reply no parts are read."""
_MAX_CORE_WORDS = 6


class StandaloneMatch(NamedTuple):
    """A term that is alone, and whether that is certain to mean it."""

    term: str
    is_certain: bool


class _Core(NamedTuple):
    """A term that is all of a text but for words at its ends; `has_chat` says that some of these are chatty."""

    term: str
    has_chat: bool


def find_standalone(
    normalised: NormalisedReply, terms: Container[str], instruction: Instruction | None
) -> StandaloneMatch | None:
    """Return the first of `terms` that is alone in the reply, a certain one before one that is not."""
    core = _core(normalised.text, terms)
    if core is not None:
        return _whole_reply(core, instruction)
    in_clauses = _surest(_in_clauses(normalised, terms, instruction))
    if in_clauses is not None or instruction is None:
        return in_clauses
    return _last_word(normalised, terms, instruction)


def _whole_reply(core: _Core, instruction: Instruction | None) -> StandaloneMatch | None:
    if instruction is not None or not core.has_chat:
        return StandaloneMatch(core.term, is_certain=True)
    if core.term in SAID_AMONG_FRIENDS:  # "the end", "oh no, quit"
        return None
    return StandaloneMatch(core.term, is_certain=False)


def _in_clauses(
    normalised: NormalisedReply, terms: Container[str], instruction: Instruction | None
) -> Iterator[StandaloneMatch]:
    if normalised.text.count(" ") > _MAX_SPACES_IN_PARTS:
        return
    for clause_index, clause in enumerate(normalised.clauses):
        core = _core(clause, terms)
        match = core and _in_clause(core.term, clause_index, normalised, instruction)
        if match is not None:
            yield match


def _in_clause(
    term: str, clause_index: int, normalised: NormalisedReply, instruction: Instruction | None
) -> StandaloneMatch | None:
    """Judge a term that is a part of its own in a longer reply."""
    clause = normalised.clauses[clause_index]
    is_sentence = clause in normalised.sentences
    if term in _UNMISTAKABLE:
        return StandaloneMatch(term, is_certain=True)
    if is_sentence and normalised.is_question[normalised.sentences.index(clause)]:  # "stop? why?"
        return None
    if instruction is not None:
        return StandaloneMatch(term, is_certain=term in instruction.words or term not in SAID_AMONG_FRIENDS)
    if term in SAID_AMONG_FRIENDS or normalised.text.count(" ") >= _MAX_WORDS_BESIDE:
        return None
    is_first_sentence = is_sentence and clause_index == 0
    is_last = clause_index == len(normalised.clauses) - 1
    return StandaloneMatch(term, is_certain=False) if is_first_sentence or is_last else None


def _last_word(normalised: NormalisedReply, terms: Container[str], instruction: Instruction) -> StandaloneMatch | None:
    """Return the word that a short answer ends with as an afterthought: "not a democrat stop"."""
    word = normalised.words[-1]
    if word not in terms or word not in instruction.words or len(normalised.words) > _MAX_WORDS_BESIDE:
        return None
    if normalised.is_question[-1] or not _TURNING.isdisjoint(normalised.words[-2:-1]):
        return None
    return StandaloneMatch(word, is_certain=False)


def _surest(matches: Iterable[StandaloneMatch]) -> StandaloneMatch | None:
    first: StandaloneMatch | None = None
    for match in matches:
        if match.is_certain:
            return match
        first = first or match
    return first


def _core(text: str, terms: Container[str]) -> _Core | None:
    """Return the term that `text` is but for politeness and chat at its ends."""
    if text in terms:
        return _Core(text, has_chat=False)
    words = text.split(" ", _MAX_WORDS_BESIDE)
    if len(words) > _MAX_WORDS_BESIDE:
        return None
    repeated = _repeated(words, terms)
    if repeated is not None:
        return _Core(repeated, has_chat=False)
    core, dropped = _trimmed(words, terms)
    if len(core) > _MAX_CORE_WORDS:
        return None
    joined = " ".join(core)
    term = _repeated(core, terms) or (joined if joined in terms else None)
    return None if term is None else _Core(term, has_chat=not CHATTY.isdisjoint(dropped))


def _repeated(words: Sequence[str], terms: Container[str]) -> str | None:
    """Return the term that is every one of the words: "stop stop stop"."""
    return words[0] if words and words[0] in terms and len(set(words)) == 1 else None


def _trimmed(words: Sequence[str], terms: Container[str]) -> tuple[list[str], list[str]]:
    """Drop polite and chatty words, first from the beginning, then from the end, until a term is left.

    Returns what is left, and the words that were dropped.
    """
    left, dropped = list(words), list[str]()
    for end in (0, -1):
        while left and left[end] in _BESIDE_A_TERM and " ".join(left) not in terms:
            dropped.append(left.pop(end))
    return left, dropped
