"""Words as the grammars know them: spellings brought to one form, slips in signal words fixed."""

import re
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files

from rapidfuzz.distance import OSA

MAX_SENTENCE_CHARACTERS = 600
_SHORTEST_TO_FIX = 5
_SHORT = 2
_TRIPLED = re.compile(r"(\w)\1{2,}")


def read_lines(name: str) -> list[str]:
    """Return the lines of a data file without comments (from `#`) and empty ones."""
    lines = files(__package__).joinpath("data", name).read_text("utf-8").splitlines()
    return [text for line in lines if (text := line.split("#")[0].strip())]


def read_words(name: str) -> frozenset[str]:
    """Return the words of a data file that are separated by space."""
    return frozenset(word for line in read_lines(name) for word in line.split())


def _read_spellings() -> dict[str, str]:
    """Lines of `right: spelling, spelling of two words`."""
    pairs = (line.split(":") for line in read_lines("spellings.txt"))
    return {spelling.strip(): right.strip() for right, spellings in pairs for spelling in spellings.split(",")}


FREQUENT = read_words("frequent.txt")
_FIXABLE = read_words("fixable.txt")
_SPELLINGS = _read_spellings()
_OF_SEVERAL_WORDS = {tuple(spelling.split()): right for spelling, right in _SPELLINGS.items() if " " in spelling}
_BEGINNINGS = frozenset(words[0] for words in _OF_SEVERAL_WORDS)
_MOST_WORDS = max(map(len, _OF_SEVERAL_WORDS))


@lru_cache(maxsize=4_096)
def canonical(sentence: str) -> str:
    """Return `sentence` with every word in its usual form and followed by one space."""
    words = list(map(canonical_word, sentence[:MAX_SENTENCE_CHARACTERS].split()))
    return " ".join(words if _BEGINNINGS.isdisjoint(words) else _joined(words)) + " "


def rare(words: frozenset[str]) -> frozenset[str]:
    """Return those of the words that are rare in English texts: neither frequent nor of one or two Latin letters."""
    return frozenset(word for word in words - FREQUENT if len(word) > _SHORT or not word.isascii())


def _joined(words: list[str]) -> list[str]:
    joined, at = [], 0
    while at < len(words):
        length = (
            next(
                (n for n in range(_MOST_WORDS, 1, -1) if tuple(words[at : at + n]) in _OF_SEVERAL_WORDS),
                1,
            )
            if words[at] in _BEGINNINGS
            else 1
        )
        joined.append(words[at] if length == 1 else _OF_SEVERAL_WORDS[tuple(words[at : at + length])])
        at += length
    return joined


def prefilter(words: frozenset[str]) -> Callable[[str], bool]:
    """Return a quick check whether a word, as it was written, may be one of `words`."""
    beginnings = {first for (first, *_), right in _OF_SEVERAL_WORDS.items() if not words.isdisjoint(right.split())}

    @lru_cache(maxsize=65_536)
    def may_be(word: str) -> bool:
        return canonical_word(word) in words or word in beginnings

    return may_be


@lru_cache(maxsize=65_536)
def canonical_word(word: str) -> str:
    """Return the usual form of `word`."""
    if word in _SPELLINGS:
        return _SPELLINGS[word]
    if word in FREQUENT or word in _FIXABLE or len(word) < _SHORTEST_TO_FIX or not word.isalpha():
        return word
    short = _TRIPLED.sub(r"\1", word)
    if short != word:
        return canonical_word(short)
    return next(
        (right for right in _FIXABLE if right[0] == word[0] and OSA.distance(word, right, score_cutoff=1) <= 1), word
    )
