"""Words as the grammars know them: spellings brought to one form, slips in signal words fixed."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.resources import files
from operator import itemgetter

from rapidfuzz.distance import OSA

MAX_SENTENCE_CHARACTERS = 600
_SHORTEST_TO_FIX = 5
_LONGEST_REMEMBERED = 32
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
_MOST_FREQUENT, _VERY_FREQUENT = (frozenset(line.split()) for line in read_lines("most_frequent.txt"))
_FIXABLE = read_words("fixable.txt")
_FIXABLE_BY_LETTER = {word[0]: [each for each in sorted(_FIXABLE) if each[0] == word[0]] for word in _FIXABLE}
_SPELLINGS = _read_spellings()
_OF_SEVERAL_WORDS = {tuple(spelling.split()): right for spelling, right in _SPELLINGS.items() if " " in spelling}


def _by(word_of: Callable[[tuple[str, ...]], str]) -> Mapping[str, list[tuple[str, ...]]]:
    """Return the spellings of several words by one of their words, the longest first."""
    found: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for spelling in sorted(_OF_SEVERAL_WORDS, key=len, reverse=True):
        found[word_of(spelling)].append(spelling)
    return dict(found)


def commonness(word: str) -> int:
    """Return a guess how often ordinary texts have a word; it decides how fast they are read, and nothing else."""
    if word in _MOST_FREQUENT:
        return 2_000
    if word in _VERY_FREQUENT:
        return 400
    if word not in FREQUENT and (len(word) > 2 or not word.isascii()):
        return 1
    return 3 if len(word) > 4 else 8


_BY_FIRST_WORD = _by(itemgetter(0))
_BY_RAREST_WORD = _by(lambda spelling: min(spelling, key=lambda word: (commonness(word), -len(word))))


@lru_cache(maxsize=4_096)
def canonical(sentence: str) -> str:
    """Return `sentence` with every word in its usual form and followed by one space."""
    words = list(map(canonical_word, sentence[:MAX_SENTENCE_CHARACTERS].split()))
    return " ".join(words if _BY_FIRST_WORD.keys().isdisjoint(words) else _joined(words)) + " "


def _joined(words: list[str]) -> list[str]:
    joined, at = list[str](), 0
    while at < len(words):
        begins = _BY_FIRST_WORD.get(words[at], ())
        spelling = next((each for each in begins if tuple(words[at : at + len(each)]) == each), None)
        joined.append(_OF_SEVERAL_WORDS[spelling] if spelling else words[at])
        at += len(spelling) if spelling else 1
    return joined


def forms(word: str) -> tuple[str, ...]:
    """Return the words that `canonical` may make of this one, alone or together with words beside it."""
    return _remembered_forms(word) if len(word) <= _LONGEST_REMEMBERED else _forms(word)


def _forms(word: str) -> tuple[str, ...]:
    alone = canonical_word(word)
    together = _BY_RAREST_WORD.get(alone, ())
    parts = (part for several in together for part in _OF_SEVERAL_WORDS[several].split())
    return tuple(dict.fromkeys((word, *alone.split(), *parts)))


def canonical_word(word: str) -> str:
    """Return the usual form of `word`."""
    return _remembered(word) if len(word) <= _LONGEST_REMEMBERED else _usual_form(word)


def _usual_form(word: str) -> str:
    if word in _SPELLINGS:
        return _SPELLINGS[word]
    if word in FREQUENT or word in _FIXABLE or len(word) < _SHORTEST_TO_FIX or not word.isalpha():
        return word
    short = _TRIPLED.sub(r"\1", word)
    if short != word:
        return canonical_word(short)
    alike = _FIXABLE_BY_LETTER.get(word[0], ())
    return next((right for right in alike if OSA.distance(word, right, score_cutoff=1) <= 1), word)


_remembered = lru_cache(maxsize=65_536)(_usual_form)
_remembered_forms = lru_cache(maxsize=65_536)(_forms)
