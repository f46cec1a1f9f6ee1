"""Classes of words: a word is looked up once, and what it may be part of is a set of bits.

Whoever looks for words registers them and gets a bit. A reply's bits are those of its words, so that one look says
which of all that could be looked for is worth it, however much there is: most replies have a bit of nearly nothing.

Phrases are registered with what they need: one word of each of several sets. `opened` says of which sections of
phrases, by their bits, all is there that one of them needs.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

_MOST_REMEMBERED = 65_536
_LONGEST_REMEMBERED = 32
"""Longer words are looked up again each time: a reply of one word of 20,000 letters shall not stay in memory."""


Forms: TypeAlias = Callable[[str], Iterable[str]]
"""The words that a written word may stand for."""


def as_written(word: str) -> Iterable[str]:
    """Return the forms of a word where spelling is not forgiven."""
    return (word,)


class _Phrases(NamedTuple):
    """The phrases that have one key: what each needs, and the bit of its section.

    `beside` are the classes of which one is needed beside the key, whichever phrase it is.
    """

    beside: int
    needed: tuple[tuple[int, int], ...]


class WordClasses(dict[str, int]):
    """The classes that are registered; as a dictionary: the bits of words, each found once, up to a limit."""

    def __init__(self) -> None:
        super().__init__()
        self._bits: dict[tuple[frozenset[str], Forms], int] = {}
        self._by_forms: dict[Forms, dict[str, int]] = {}
        self._by_key: dict[int, _Phrases] = {}
        self._keys = 0
        self._sections = 0

    def register(self, words: frozenset[str], forms: Forms = as_written) -> int:
        """Return the bit of a class: of all that is written for one of the words."""
        if (words, forms) not in self._bits:
            bit = self._bits[words, forms] = 1 << len(self._bits)
            bits = self._by_forms.setdefault(forms, {})
            for word in words:
                bits[word] = bits.get(word, 0) | bit
            self.clear()
        return self._bits[words, forms]

    def section(self, phrases: Iterable[Sequence[frozenset[str]]], forms: Forms = as_written) -> int:
        """Return the bit of a new section: of phrases that need a word of each of their sets, of the rarest first."""
        section = 1 << self._sections
        self._sections += 1
        for sets in dict.fromkeys(map(tuple, phrases)):
            key, *others = bits = [self.register(words, forms) for words in sets]
            beside, needed = self._by_key.get(key, _Phrases(0, ()))
            self._by_key[key] = _Phrases(beside | (others or bits)[0], (*needed, (sum(set(bits)), section)))
            self._keys |= key
        return section

    def key_words(self) -> frozenset[str]:
        """Return the words without one of which no phrase is in a text."""
        return frozenset[str]().union(*(words for (words, _), bit in self._bits.items() if bit & self._keys))

    def opened(self, classes: int) -> int:
        """Return the bits of the sections of which a text may have a phrase whose words have these classes."""
        keys, found = classes & self._keys, 0
        while keys:
            key = keys & -keys
            keys ^= key
            beside, phrases = self._by_key[key]
            if classes & beside:
                for needed, section in phrases:
                    if classes & needed == needed:
                        found |= section
        return found

    def opened_by(self, text: str) -> int:
        """Return the same of a text whose words are separated by space."""
        return self.opened(self.of(text.split(" ")))

    def of(self, words: Iterable[str]) -> int:
        """Return the bits of all classes that one of the words is in."""
        bits = 0
        for word in words:
            bits |= self[word]
        return bits

    def __missing__(self, word: str) -> int:
        bits = 0
        for forms, bits_of in self._by_forms.items():
            for form in forms(word):
                bits |= bits_of.get(form, 0)
        if len(word) <= _LONGEST_REMEMBERED:
            if len(self) >= _MOST_REMEMBERED:
                self.clear()
            self[word] = bits
        return bits


WORD_CLASSES = WordClasses()
"""Of English and of what is looked for in every reply."""
LANGUAGE_CLASSES = WordClasses()
"""Of all other languages, which have thousands: looked at only where `WORD_CLASSES` has found a key word of one."""
