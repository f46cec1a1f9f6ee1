"""The normalised forms of a reply: for keywords and for detectors.

The steps, in their order. A normalised reply names those that changed the text:

1. `escapes`: what a gateway made of the text is undone: HTML escapes, and UCS-2 written as hexadecimal digits.
2. `cut`: of a very long text only the beginning and the end are read.
3. `quoted`: contact cards, and lines of a mail that is answered, are left out.
4. `emoji`: a text that is only a stop sign is read as "stop", and needs no other step.
5. `unicode`: one case, one Unicode form, no accents, nothing invisible.
6. `homoglyphs`: letters of other scripts are read as the Latin ones that they imitate.
7. `reaction`: a phone's quotation of another message ("Liked ...") has no text of its own, and needs no other step.
8. `signature`: what the phone has put after the text is left out.
9. `offer`: an automatic answer's own way out ("reply STOP to unsubscribe") is left out where there is other text.
10. `dictated`: a mark that was spoken, at the end, is none of the words.
11. `spaced_letters`: "s t o p" is read as "stop".

Sentences and clauses are found only when they are asked for, which most replies never need.
"""

import html
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from services.optout.rules.own_words import DICTATED, own_lines, without_dictated
from services.optout.rules.reactions import is_reaction, may_have_additions, without_signature
from services.optout.rules.word_classes import WORD_CLASSES
from shared.instructions.normalise import MAX_CHARACTERS, cut, fold, latin, visible, without_apostrophes, words_of

_HEXADECIMAL = re.compile(r"\s*0[0-6][0-9A-Fa-f]{2}(?:[0-9A-Fa-f]{4}){2,400}\s*")
"""UCS-2 of a text that begins with a letter of an alphabet."""
_ONLY_LATIN = re.compile("(?:00[0-9]{2})+")
"""Of digits alone, which may be a telephone number or a code, only this is read as UCS-2."""
_MAX_WORDS_IN_CLASSES = 500
_SHORT_CHARACTERS = 60
"""Replies up to this length are often the same, and their normalised forms are kept."""
_STOP_SIGNS = "\U0001f6d1\u270b\u26d4\U0001f6ab\U0001f91a\U0001f590\U0001f645"
_ONLY_STOP_SIGNS = re.compile(f"[{_STOP_SIGNS}][\\s{_STOP_SIGNS}\U0001f3fb-\U0001f3ff!.\u2640\u2642]*")
_EMOJI = "\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u2190-\u21ff\u23e9-\u23fa\u3030\u303d"
_SENTENCE = re.compile(f"([.!?;\u2026\u3002\uff01\uff1f\u061f\u061b\u00bf\u00a1\n\r{_EMOJI}]+)")
_CLAUSE = re.compile(
    r"[,:()\[\]\"\u201c\u201d\u00ab\u00bb\u201e\uff0c\u3001\u060c*~|]+|\s[-\u2013\u2014/]+\s|[\u2013\u2014]|--+"
)
_QUOTED = re.compile('["\u201c\u201d\u201e\u00ab][^"\u201c\u201d\u201e\u00ab\u00bb]*["\u201c\u201d\u00bb]')
_SPACED = re.compile(r"(?<!\w)(?:[^\W\d_][ .\-_*,/|\u00b7\u2022]{1,3}){2,}[^\W\d_](?!\w)")
_OFFER = re.compile(
    r"[\"'(]?\b(?:reply|text|txt|send|type|respond|enter)(?: back)?(?: with)?[ :\"'\u201c]{1,3}"
    r"(?:stop|end|quit|cancel|unsubscribe|stopall)\b[\"'\u201d]?(?: \w{1,20}){0,2}? (?:to|2|for)"
    r" (?:unsubscribe|opt.?out|cancel|stop|end|quit|be removed|leave)\b[^.!?,\"\u201d\n]{0,40}"
)
_MIN_WORDS_BESIDE_OFFER = 3
_MOST_WORDS_DICTATED = 6
_MIN_SPELT_LETTERS = 3
"""With fewer words of one letter, no word is spelt out."""
_NO_LETTER = re.compile(r"[\W_]+")
_DASHES = re.compile(r"(?<=\s)[-/]+(?=\s)|--+")
_ENDS = re.compile(r"([.?]+)")
_SIGNS_OF_ASCII = dict.fromkeys(map(ord, "!;\n\r."), ".") | dict.fromkeys(map(ord, ",:()[]*~|"), ",") | {ord("?"): "?"}
_MARKS = "".join(_SIGNS_OF_ASCII.get(n, chr(n) if chr(n).isalnum() else " ") for n in range(128)).encode().ljust(256)
_QUESTION = frozenset("?\uff1f\u061f")
_WRITTEN_WORD = re.compile(r"[^\W\d_]{2,}")
_MAX_CHARACTERS_WITH_NAMES = 300
_MIN_WORDS_OF_TITLE = 4
"""If this many words all begin with a capital, capitals say nothing."""


class NormalisedReply:
    """A reply as rules see it; its parts are made when they are asked for.

    Attributes:
        text: all of it, in one case and Unicode form, without accents and punctuation, single spaces between words.
        words: of the text, in their order.
        steps: names of what had to be done.
        is_reaction: whether it is only a phone's quotation of another message; then there is no text.
        written: the text as its writer wrote it, in upper and lower case.
    """

    __slots__ = ("_classes", "_folded", "_found_parts", "_opened", "is_reaction", "steps", "text", "words", "written")

    def __init__(
        self,
        text: str,
        folded: str = "",
        steps: tuple[str, ...] = (),
        *,
        is_reaction: bool = False,
        written: str = "",
    ) -> None:
        self.text = text
        self.words = text.split(" ")
        self.steps = steps
        self.is_reaction = is_reaction
        self.written = written
        self._folded = folded
        self._classes = self._opened = -1
        self._found_parts: _Parts | None = None

    @property
    def classes(self) -> int:
        """The bits of all classes that its words, and letters that are not Latin, belong to; see `WORD_CLASSES`."""
        if self._classes < 0:
            self._classes = WORD_CLASSES.of(self.words[:_MAX_WORDS_IN_CLASSES])
            if not self.text.isascii():
                self._classes |= WORD_CLASSES.of(set(self.text))
        return self._classes

    @property
    def names(self) -> frozenset[str]:
        """The words, normalised, that are written like names: with a capital, where not all words have one."""
        return _names(self.written)

    @property
    def opened(self) -> int:
        """The bits of the sections of phrases of which it may have one; see `WORD_CLASSES`."""
        if self._opened < 0:
            self._opened = WORD_CLASSES.opened(self.classes)
        return self._opened

    @property
    def sentences(self) -> tuple[str, ...]:
        """The text of each sentence."""
        return self._parts.sentences

    @property
    def is_question(self) -> tuple[bool, ...]:
        """Whether each sentence ends as a question."""
        return self._parts.is_question

    @property
    def clauses(self) -> tuple[str, ...]:
        """The text of each part between sentence marks, commas, dashes and brackets; without quotations."""
        return self._parts.clauses

    @property
    def _parts(self) -> "_Parts":
        if self._found_parts is None:
            self._found_parts = _parts(self._folded)
        return self._found_parts


class _Parts(NamedTuple):
    """The parts of a reply; see `NormalisedReply`."""

    sentences: tuple[str, ...]
    is_question: tuple[bool, ...]
    clauses: tuple[str, ...]


class _Steps(list[str]):
    """The names of the steps that changed a text."""

    def keep(self, name: str, before: str, after: str) -> str:
        """Return the text after a step, and keep the step's name if it changed something."""
        if after != before:
            self.append(name)
        return after


def normalise_reply(body: str) -> NormalisedReply:
    """Return what the rules see of `body`; of any text, in a time that its first 20,000 characters bound."""
    return _normalised_short(body) if len(body) <= _SHORT_CHARACTERS else _normalised(body)


def _normalised(body: str) -> NormalisedReply:
    return _plain(body) or _step_by_step(body)


def _plain(body: str) -> NormalisedReply | None:
    """Return what most texts are, in which no step would find anything to do; None for all others."""
    if len(body) > MAX_CHARACTERS or not (body.isascii() and body.isprintable()):
        return None
    if "&" in body or body.lstrip().startswith("0"):  # it may have been escaped
        return None
    folded = body.lower()
    if _may_offer(folded):
        return None
    normalised = NormalisedReply(words_of(folded), folded, written=body)
    if may_have_additions(folded, normalised.words) or _may_be_spelt(normalised.words):
        return None
    if normalised.text.endswith(DICTATED):
        return None
    return normalised


def _may_be_spelt(words: Sequence[str]) -> bool:
    lengths = list(map(len, words))
    return lengths.count(1) >= _MIN_SPELT_LETTERS and any(
        one == two == three == 1 for one, two, three in zip(lengths, lengths[1:], lengths[2:], strict=False)
    )


def _may_offer(folded: str) -> bool:
    return " to " in folded and ("reply" in folded or "text" in folded or "send" in folded or "type" in folded)


def _without_offer(folded: str) -> str:
    """Return what is beside the words that offer a way out; all of it where that is next to nothing."""
    rest = _OFFER.sub(" ", folded)
    return rest if len(words_of(rest).split()) >= _MIN_WORDS_BESIDE_OFFER else folded


def _step_by_step(body: str) -> NormalisedReply:
    steps = _Steps()
    text = steps.keep("escapes", body, _as_written(body))
    text = steps.keep("cut", text, cut(text))
    text = steps.keep("quoted", text, own_lines(text))
    if (
        not text.isascii()
        and any(map(text.__contains__, _STOP_SIGNS))
        and _ONLY_STOP_SIGNS.fullmatch(visible(text).strip())
    ):
        return NormalisedReply("stop", "stop", steps=(*steps, "emoji"))
    folded = _folded(text, steps)
    words = words_of(folded)
    if may_have_additions(folded, words.split(" ")):
        if is_reaction(folded):
            return NormalisedReply("", steps=(*steps, "reaction"), is_reaction=True)
        folded = steps.keep("signature", folded, without_signature(folded))
        words = words_of(folded)
    if _may_offer(folded):
        folded = steps.keep("offer", folded, _without_offer(folded))
        words = words_of(folded)
    if words.endswith(DICTATED) and words.count(" ") < _MOST_WORDS_DICTATED:
        folded = words = steps.keep("dictated", words, without_dictated(words))
    normalised = NormalisedReply(words, folded, tuple(steps), written=text)
    if not _may_be_spelt(normalised.words):
        return normalised
    folded = steps.keep("spaced_letters", folded, _SPACED.sub(lambda run: _NO_LETTER.sub("", run[0]), folded))
    return NormalisedReply(words_of(folded), folded, tuple(steps), written=text)


def _names(written: str) -> frozenset[str]:
    words = _WRITTEN_WORD.findall(written) if len(written) <= _MAX_CHARACTERS_WITH_NAMES else []
    capitalised = [word for word in words if word.istitle()]
    if len(words) >= _MIN_WORDS_OF_TITLE and len(capitalised) == len(words):
        return frozenset()
    first = words[0] if words else ""
    return frozenset(words_of(latin(fold(word))) for word in capitalised if word is not first)


_normalised_short = lru_cache(maxsize=8_192)(_normalised)


def _as_written(body: str) -> str:
    """Return the text that its writer wrote, where a gateway has passed it on escaped."""
    if _HEXADECIMAL.fullmatch(body) and (not body.strip().isdecimal() or _ONLY_LATIN.fullmatch(body.strip())):
        decoded = bytes.fromhex(body.strip()).decode("utf-16-be", errors="replace")
        return decoded if decoded.isprintable() and any(map(str.isalpha, decoded)) else body
    return html.unescape(body) if "&" in body and ";" in body else body


def _folded(text: str, steps: _Steps) -> str:
    if text.isascii():
        return fold(text)
    folded = steps.keep("unicode", text.lower(), fold(text))
    return steps.keep("homoglyphs", folded, latin(folded))


def _parts(folded: str) -> _Parts:
    if folded.isascii() and '"' not in folded:
        return _parts_of_ascii(folded)
    pieces = _SENTENCE.split(folded)
    sentences: list[str] = []
    is_question: list[bool] = []
    for sentence, mark in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        words = words_of(sentence)
        if words:
            sentences.append(words)
            is_question.append(not _QUESTION.isdisjoint(mark))
    own = _without_quotations(folded)
    if own != folded:
        pieces = _SENTENCE.split(own)
    clauses = (words_of(part) for sentence in pieces[::2] for part in _CLAUSE.split(sentence))
    return _Parts(tuple(sentences), tuple(is_question), tuple(clause for clause in clauses if clause))


def _parts_of_ascii(folded: str) -> _Parts:
    """Return the same as for other texts, in a third of the time."""
    if "-" in folded or "/" in folded:
        folded = _DASHES.sub(",", folded)
    marked = without_apostrophes(folded).encode().translate(_MARKS).decode()
    sentences: list[str] = []
    is_question: list[bool] = []
    clauses: list[str] = []
    pieces = _ENDS.split(marked)
    for sentence, mark in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        found = [words for words in (" ".join(part.split()) for part in sentence.split(",")) if words]
        if found:
            clauses += found
            sentences.append(" ".join(found))
            is_question.append("?" in mark)
    return _Parts(tuple(sentences), tuple(is_question), tuple(clauses))


def _without_quotations(folded: str) -> str:
    """Return the writer's own words; all of the text where it is nothing but a quotation."""
    unquoted = _QUOTED.sub(", ", folded)
    return unquoted if unquoted != folded and words_of(unquoted) else folded
