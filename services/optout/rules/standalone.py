"""Whether a word is alone: as the whole reply, or as a sentence of its own beside others."""

import tomllib
from collections.abc import Container
from importlib.resources import files
from typing import NamedTuple

from services.optout.rules.instruction import Instruction
from services.optout.rules.reading import Reading

_BESIDE = tomllib.loads(files(__package__).joinpath("data", "beside.toml").read_text("utf-8"))
POLITE = frozenset(_BESIDE["polite"].split())
CHATTY = frozenset(_BESIDE["chatty"].split())
"""Certain only in answer to an instruction."""
_UNMISTAKABLE = frozenset(
    ("unsubscribe", "stopall", "stop all", "optout", "opt out", "unsub", "stop2end", "desuscribir", "darme de baja",
     "desabonner", "abbestellen")
)  # fmt: skip
SAID_AMONG_FRIENDS = frozenset(
    ("end", "quit", "cancel", "remove", "revoke", "out", "leave", "exit", "no", "para", "fin", "sair")
)
_TURNING = frozenset(_BESIDE["turning"].split())
"""Words that change the meaning of the word after them: "the bus stop", "dont stop"."""
_MAX_WORDS_BESIDE = 14
_MAX_CORE_WORDS = 6


class StandaloneMatch(NamedTuple):
    """A term that is alone, and whether that is certain to mean it."""

    term: str
    is_certain: bool


def find_standalone(reading: Reading, terms: Container[str], instruction: Instruction | None) -> StandaloneMatch | None:
    """Return the first of `terms` that is alone in the reply, a certain one before one that is not."""
    whole = _core(reading.text, terms)
    if whole is not None:
        term, chatty = whole
        if chatty and term in SAID_AMONG_FRIENDS and instruction is None:  # "the end", "oh no, quit"
            return None
        return StandaloneMatch(term, is_certain=not chatty or instruction is not None)
    found: StandaloneMatch | None = None
    for clause_index, clause in enumerate(reading.clauses if reading.text.count(" ") <= _MAX_WORDS_BESIDE * 4 else ()):
        core = _core(clause, terms)
        if core is not None:
            standalone = _beside(core[0], clause_index, reading, instruction)
            if standalone is not None and (found is None or (standalone.is_certain and not found.is_certain)):
                found = standalone
    return found or (_last_word(reading, terms, instruction) if instruction is not None else None)


def _last_word(reading: Reading, terms: Container[str], instruction: Instruction) -> StandaloneMatch | None:
    """Return the word that a short answer ends with as an afterthought: "not a democrat stop"."""
    word = reading.words[-1]
    if word not in terms or word not in instruction.words or len(reading.words) > _MAX_WORDS_BESIDE:
        return None
    if reading.is_question[-1] or not _TURNING.isdisjoint(reading.words[-2:-1]):
        return None
    return StandaloneMatch(word, is_certain=False)


def _core(text: str, terms: Container[str]) -> tuple[str, bool] | None:
    """Return the term that `text` is but for politeness, and whether chat is beside it."""
    if text in terms:
        return text, False
    words = text.split(" ", _MAX_WORDS_BESIDE)
    if len(words) > _MAX_WORDS_BESIDE:
        return None
    if len(words) > 1 and len(set(words)) == 1 and words[0] in terms:
        return words[0], False
    begin, end, chatty = 0, len(words), False
    while (
        begin < end and (words[begin] in POLITE or words[begin] in CHATTY) and " ".join(words[begin:end]) not in terms
    ):
        chatty |= words[begin] in CHATTY
        begin += 1
    while (
        begin < end
        and (words[end - 1] in POLITE or words[end - 1] in CHATTY)
        and " ".join(words[begin:end]) not in terms
    ):
        chatty |= words[end - 1] in CHATTY
        end -= 1
    if end - begin > _MAX_CORE_WORDS:
        return None
    core = words[begin:end]
    if core and len(set(core)) == 1 and core[0] in terms:
        return core[0], chatty
    joined = " ".join(core)
    return (joined, chatty) if joined in terms else None


def _beside(term: str, clause_index: int, reading: Reading, instruction: Instruction | None) -> StandaloneMatch | None:
    """Judge a term that is a clause of its own in a longer reply."""
    if term in _UNMISTAKABLE:
        return StandaloneMatch(term, is_certain=True)
    is_sentence = reading.clauses[clause_index] in reading.sentences
    if is_sentence and reading.is_question[reading.sentences.index(reading.clauses[clause_index])]:
        return None
    if instruction is not None:
        return StandaloneMatch(term, is_certain=term in instruction.words or term not in SAID_AMONG_FRIENDS)
    if term in SAID_AMONG_FRIENDS:
        return None
    is_last = clause_index == len(reading.clauses) - 1
    is_short = reading.text.count(" ") < _MAX_WORDS_BESIDE
    return (
        StandaloneMatch(term, is_certain=False)
        if is_short and (is_last or (is_sentence and clause_index == 0))
        else None
    )
