"""The normalised forms of a reply: for keywords and for detectors."""

import re
from functools import cached_property, lru_cache

from services.optout.rules.normalise import MAX_CHARACTERS, cut, fold, latin, visible, words_of
from services.optout.rules.reactions import is_reaction, may_have_additions, without_signature

_SHORT = 60
_STOP_SIGNS = "\U0001f6d1\u270b\u26d4\U0001f6ab\U0001f91a\U0001f590\U0001f645"
_ONLY_STOP_SIGNS = re.compile(f"[{_STOP_SIGNS}][\\s{_STOP_SIGNS}\U0001f3fb-\U0001f3ff!.\u2640\u2642]*")
_EMOJI = "\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u2190-\u21ff\u23e9-\u23fa\u3030\u303d"
_SENTENCE = re.compile(f"([.!?;\u2026\u3002\uff01\uff1f\u061f\u061b\u00bf\u00a1\n\r{_EMOJI}]+)")
_CLAUSE = re.compile(
    r"[,:()\[\]\"\u201c\u201d\u00ab\u00bb\u201e\uff0c\u3001\u060c*~|]+|\s[-\u2013\u2014/]+\s|[\u2013\u2014]|--+"
)
_QUOTED = re.compile('["\u201c\u201d\u201e\u00ab][^"\u201c\u201d\u201e\u00ab\u00bb]*["\u201c\u201d\u00bb]')
_SPACED = re.compile(r"(?<!\w)(?:[^\W\d_][ .\-_*,/|\u00b7\u2022]{1,3}){2,}[^\W\d_](?!\w)")
_SPELT_LETTERS = 3
_NO_LETTER = re.compile(r"[\W_]+")
_QUESTION = frozenset("?\uff1f\u061f")


class Reading:
    """A reply as rules see it; its parts are made when they are asked for, which most replies never need.

    Attributes:
        text: all of it, in one case and Unicode form, without accents and punctuation, single spaces between words.
        words: of the text, in their order.
        steps: names of what had to be done.
        is_reaction: whether it is only a phone's quotation of another message; then there is no text.
    """

    def __init__(self, text: str, folded: str = "", steps: tuple[str, ...] = (), *, is_reaction: bool = False) -> None:
        self.text = text
        self.words = text.split(" ")
        self.steps = steps
        self.is_reaction = is_reaction
        self._folded = folded

    @property
    def sentences(self) -> tuple[str, ...]:
        """The text of each sentence."""
        return self._parts[0]

    @property
    def is_question(self) -> tuple[bool, ...]:
        """Whether each sentence ends as a question."""
        return self._parts[1]

    @property
    def clauses(self) -> tuple[str, ...]:
        """The text of each part between sentence marks, commas, dashes and brackets."""
        return self._parts[2]

    @cached_property
    def _parts(self) -> tuple[tuple[str, ...], tuple[bool, ...], tuple[str, ...]]:
        return _parts(self._folded)


def read(body: str) -> Reading:
    """Return what the rules see of `body`; of any text, in a time that its first 20,000 characters bound."""
    return _read_short(body) if len(body) <= _SHORT else _read(body)


def _read(body: str) -> Reading:
    steps: list[str] = []

    def step(name: str, before: str, after: str) -> str:
        if after != before:
            steps.append(name)
        return after

    text = body if len(body) <= MAX_CHARACTERS else step("cut", body, cut(body))
    if not text.isascii():
        if _ONLY_STOP_SIGNS.fullmatch(visible(text).strip()):
            return Reading("stop", "stop", steps=(*steps, "emoji"))
        folded = step("unicode", text.lower(), fold(text))
        folded = step("homoglyphs", folded, latin(folded))
    else:
        folded = fold(text)
    words = words_of(folded)
    if may_have_additions(folded, words):
        if is_reaction(folded):
            return Reading("", steps=(*steps, "reaction"), is_reaction=True)
        folded = step("signature", folded, without_signature(folded))
        words = words_of(folded)
    reading = Reading(words, folded, tuple(steps))
    if list(map(len, reading.words)).count(1) < _SPELT_LETTERS:
        return reading
    folded = step("spaced_letters", folded, _SPACED.sub(lambda run: _NO_LETTER.sub("", run[0]), folded))
    return Reading(words_of(folded), folded, tuple(steps))


_read_short = lru_cache(maxsize=8_192)(_read)


def _parts(folded: str) -> tuple[tuple[str, ...], tuple[bool, ...], tuple[str, ...]]:
    pieces = _SENTENCE.split(folded)
    sentences: list[str] = []
    questions: list[bool] = []
    for sentence, mark in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        words = words_of(sentence)
        if words:
            sentences.append(words)
            questions.append(not _QUESTION.isdisjoint(mark))
    unquoted = _QUOTED.sub(", ", folded)
    if unquoted != folded and words_of(unquoted):  # what is quoted beside other words, the writer does not say
        pieces = _SENTENCE.split(unquoted)
    clauses = (words_of(part) for sentence in pieces[::2] for part in _CLAUSE.split(sentence))
    return tuple(sentences), tuple(questions), tuple(clause for clause in clauses if clause)
