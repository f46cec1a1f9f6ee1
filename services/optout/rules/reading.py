"""What normalisation makes of a reply: for keywords and for detectors."""

import re
from dataclasses import dataclass
from functools import lru_cache

from services.optout.rules.normalise import cut, fold, latin, words_of
from services.optout.rules.reactions import is_reaction, without_signature

_SHORT = 60
_STOP_SIGNS = "\U0001f6d1\u270b\u26d4\U0001f6ab\U0001f91a\U0001f590\U0001f645"
_ONLY_STOP_SIGNS = re.compile(f"[{_STOP_SIGNS}][\\s{_STOP_SIGNS}\U0001f3fb-\U0001f3ff!.\u2640\u2642\u200d]*")
_EMOJI = "\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u2190-\u21ff\u23e9-\u23fa\u3030\u303d"
_SENTENCE = re.compile(f"([.!?;\u2026\u3002\uff01\uff1f\u061f\u061b\u00bf\u00a1\n\r{_EMOJI}]+)")
_CLAUSE = re.compile(
    r"[,:()\[\]\"\u201c\u201d\u00ab\u00bb\u201e\uff0c\u3001\u060c*~|]+|\s[-\u2013\u2014/]+\s|[\u2013\u2014]|--+"
)
_SPACED = re.compile(r"(?<!\w)(?:[^\W\d_][ .\-_*,/|\u00b7\u2022]{1,3}){2,}[^\W\d_](?!\w)")
_NO_LETTER = re.compile(r"[\W_]+")
_QUESTION = frozenset("?\uff1f\u061f")


@dataclass(frozen=True, slots=True)
class Reading:
    """A reply as rules see it.

    `text` is all of it: one case and Unicode form, no accents, words with single spaces between them, no punctuation.
    `sentences` are the same for each sentence, `clauses` for each part between commas, dashes and brackets too, and
    `shouted` says of each clause whether it alone is in capitals. `steps` names what had to be done.
    """

    text: str
    sentences: tuple[str, ...] = ()
    is_question: tuple[bool, ...] = ()
    steps: tuple[str, ...] = ()
    is_reaction: bool = False
    clauses: tuple[str, ...] = ()
    shouted: tuple[bool, ...] = ()


def read(body: str) -> Reading:
    """Return what the rules see of `body`; of any text, in a time that its first 20,000 characters bound."""
    return _read_short(body) if len(body) <= _SHORT else _read(body)


def _read(body: str) -> Reading:
    steps: list[str] = []

    def step(name: str, before: str, after: str) -> str:
        if after != before:
            steps.append(name)
        return after

    text = step("cut", body, cut(body))
    if _ONLY_STOP_SIGNS.fullmatch(text.strip()):
        return Reading("stop", ("stop",), (False,), (*steps, "emoji"), clauses=("stop",), shouted=(False,))
    folded = fold(text)
    if folded != text.lower():
        steps.append("unicode")
    folded = step("homoglyphs", folded, latin(folded))
    if is_reaction(folded):
        return Reading("", steps=(*steps, "reaction"), is_reaction=True)
    folded = step("signature", folded, without_signature(folded))
    folded = step("spaced_letters", folded, _SPACED.sub(lambda run: _NO_LETTER.sub("", run[0]), folded))
    return _parts(text, folded, tuple(steps))


_read_short = lru_cache(maxsize=8_192)(_read)


def _parts(raw: str, folded: str, steps: tuple[str, ...]) -> Reading:
    pieces = _SENTENCE.split(folded)
    sentences: list[str] = []
    questions: list[bool] = []
    clauses: list[str] = []
    for sentence, mark in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        words = words_of(sentence)
        if words:
            sentences.append(words)
            questions.append(not _QUESTION.isdisjoint(mark))
            clauses += [part for part in map(words_of, _CLAUSE.split(sentence)) if part]
    shouted = tuple(_is_shouted(clause, raw) for clause in clauses) if len(clauses) > 1 else (False,) * len(clauses)
    text = " ".join(sentences)
    return Reading(text, tuple(sentences), tuple(questions), steps, clauses=tuple(clauses), shouted=shouted)


def _is_shouted(clause: str, raw: str) -> bool:
    """Say whether a short clause is in capitals in a text that is not."""
    return (
        len(clause) <= _SHORT and not raw.isupper() and re.search(rf"\b{re.escape(clause.upper())}\b", raw) is not None
    )
