"""Classes of words: a word is looked up once, and what it may be part of is a set of bits.

Whoever looks for words registers them and gets a bit. A reply's bits are those of its words, so that one look says
which of all that could be looked for is worth it, however much there is: most replies have a bit of nearly nothing.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

_MOST_REMEMBERED = 65_536
_LONGEST_REMEMBERED = 32
"""Longer words are looked up again each time: a reply of one word of 20,000 letters shall not stay in memory."""


class RememberedBits(dict[str, int]):
    """The bits of words, found once for each; of words that are not long, and up to a limit."""

    def __init__(self, find: Callable[[str], int]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, word: str) -> int:
        bits = self._find(word)
        if len(word) <= _LONGEST_REMEMBERED:
            if len(self) >= _MOST_REMEMBERED:
                self.clear()
            self[word] = bits
        return bits


Forms: TypeAlias = Callable[[str], Iterable[str]]
"""The words that a written word may stand for."""


def as_written(word: str) -> Iterable[str]:
    """Return the forms of a word where spelling is not forgiven."""
    return (word,)


class WordClasses:
    """The classes that are registered."""

    def __init__(self) -> None:
        self._registered = 0
        self._by_forms: dict[Forms, dict[str, int]] = {}
        self._bits = RememberedBits(self._found)

    def register(self, words: Iterable[str], forms: Forms = as_written) -> int:
        """Return the bit of a new class: of all that is written for one of the words."""
        bit = 1 << self._registered
        self._registered += 1
        bits = self._by_forms.setdefault(forms, {})
        for word in words:
            bits[word] = bits.get(word, 0) | bit
        self._bits.clear()
        return bit

    def of(self, words: Iterable[str]) -> int:
        """Return the bits of all classes that one of the words is in."""
        bits, remembered = 0, self._bits
        for word in words:
            bits |= remembered[word]
        return bits

    def _found(self, word: str) -> int:
        bits = 0
        for forms, bits_of in self._by_forms.items():
            for form in forms(word):
                bits |= bits_of.get(form, 0)
        return bits


WORD_CLASSES = WordClasses()
