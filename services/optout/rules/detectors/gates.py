"""Which phrases of a grammar a text can have at all: derived from the phrases, so that none is kept from firing.

A phrase needs one word of each of its sets: "(stop | quit) (please)? texting" needs `stop` or `quit`, and `texting`.
The set that is rarest in ordinary texts is its key. A text without a key word of any phrase is not looked at further
(its bit of `WORD_CLASSES`). Of one that has some, `Gate.opened` says for which sections all is there that a phrase
needs.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, product
from math import prod
from typing import TypeAlias

from services.optout.rules.detectors.words import commonness
from services.optout.rules.word_classes import WORD_CLASSES, Forms, RememberedBits, as_written

Needs: TypeAlias = tuple[frozenset[str], ...]
"""Of each set a phrase needs one word."""
Options: TypeAlias = tuple[Needs, ...]
"""What may stand in one place: each option with what it needs."""

TOKEN = re.compile(r"<(\w+)>|([^\W_]+)|([()|?~+])")
_NOTHING: Options = ((),)
_MOST_OPTIONS = 48
"""Of a phrase; if there were more, those of its places are counted as one."""


class _Line:
    """A line of a grammar, read from its left to its right."""

    def __init__(self, line: str, groups: Mapping[str, Options]) -> None:
        self._tokens = iter(TOKEN.findall(line))
        self._groups = groups

    def options(self) -> Options:
        """Return what is needed by what comes before the end of the line, or of the bracket."""
        alternatives: list[list[Options]] = [[]]
        for group, word, sign in self._tokens:
            if sign == ")":
                break
            if sign == "|":
                alternatives.append([])
            elif sign == "?":
                alternatives[-1][-1] = _NOTHING
            elif sign != "+":
                alternatives[-1].append(self._of_token(group, word, sign))
        return any_of(map(_one_after_the_other, alternatives))

    def _of_token(self, group: str, word: str, sign: str) -> Options:
        if sign == "(":
            return self.options()
        if group:
            return self._groups[group]
        return ((frozenset((word,)),),) if word else _NOTHING


def options_of(line: str, groups: Mapping[str, Options]) -> Options:
    """Return what a line of a grammar needs, whose groups need that."""
    return _Line(line, groups).options()


def any_of(alternatives: Iterable[Options]) -> Options:
    """Return what is needed by each of several alternatives; those that need one set each become one."""
    options = list(dict.fromkeys(chain.from_iterable(alternatives)))
    if () in options:
        return _NOTHING
    of_one_set = [needs[0] for needs in options if len(needs) == 1]
    others = [needs for needs in options if len(needs) > 1]
    return tuple([(frozenset[str]().union(*of_one_set),), *others] if of_one_set else others)


def _one_after_the_other(places: Sequence[Options]) -> Options:
    left = list(places)
    while prod(map(len, left)) > _MOST_OPTIONS:
        most = max(range(len(left)), key=lambda place: len(left[place]))
        left[most] = ((frozenset[str]().union(*map(_rarest, left[most])),),)
    return tuple(tuple(chain.from_iterable(needs)) for needs in product(*left))


def _rarest(needs: Needs) -> frozenset[str]:
    return min(needs, key=lambda words: sum(map(commonness, words)))


class Gate:
    """The needs of the phrases of several sections.

    Args:
        sections: by their names, what each of their phrases needs.
        forms: the words of phrases that a word of a text may stand for.

    Raises:
        ValueError: a phrase needs no word, so that every text would have to be searched for it.
    """

    def __init__(self, sections: Mapping[str, Iterable[Needs]], forms: Forms = as_written) -> None:
        self._forms = forms
        self._sets: dict[frozenset[str], int] = {}
        self._bits_of_form: dict[str, int] = defaultdict(int)
        self._by_key: dict[int, list[tuple[int, str]]] = defaultdict(list)
        self._keys = 0
        for section, phrases in sections.items():
            for needs in dict.fromkeys(phrases):
                self._add(section, needs)
        self._bits = RememberedBits(self._found)

    def register(self) -> int:
        """Return the bit of `WORD_CLASSES` that replies have which this gate may open for."""
        return WORD_CLASSES.register(
            (word for word, bits in self._bits_of_form.items() if bits & self._keys), self._forms
        )

    def opened(self, words: Iterable[str]) -> set[str]:
        """Return the names of the sections of which a text of these words may have a phrase."""
        bits, remembered = 0, self._bits
        for word in words:
            bits |= remembered[word]
        keys, found = bits & self._keys, set[str]()
        while keys:
            key = keys & -keys
            keys ^= key
            found.update([section for needed, section in self._by_key[key] if bits & needed == needed])
        return found

    def _add(self, section: str, needs: Needs) -> None:
        if not needs:
            raise ValueError(f"a phrase of {section} needs no word at all")
        bits = [self._bit_of(words) for words in needs]
        key = self._bit_of(_rarest(needs))
        self._keys |= key
        self._by_key[key].append((sum(set(bits)), section))

    def _bit_of(self, words: frozenset[str]) -> int:
        if words not in self._sets:
            self._sets[words] = 1 << len(self._sets)
            for word in words:
                self._bits_of_form[word] |= self._sets[words]
        return self._sets[words]

    def _found(self, word: str) -> int:
        bits = 0
        for form in self._forms(word):
            bits |= self._bits_of_form.get(form, 0)
        return bits


class SubstringGate:
    """A gate for words without spaces between them: what a phrase needs is looked for within the text."""

    def __init__(self, sections: Mapping[str, Iterable[Needs]]) -> None:
        self._sections = {section: list(dict.fromkeys(phrases)) for section, phrases in sections.items()}
        rarest = [_rarest(needs) for phrases in self._sections.values() for needs in phrases]
        self._letters = frozenset(letter for words in rarest for word in words for letter in word[:1])

    def register(self) -> int:
        """Return the bit of `WORD_CLASSES` that replies have which this gate may open for."""
        return WORD_CLASSES.register(self._letters)

    def opened(self, text: str) -> set[str]:
        """Return the names of the sections of which the text may have a phrase."""
        return {name for name, phrases in self._sections.items() if any(_all_in(text, needs) for needs in phrases)}


def _all_in(text: str, needs: Sequence[frozenset[str]]) -> bool:
    return all(any(word in text for word in words) for words in needs)
