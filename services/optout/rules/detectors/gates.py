"""Which phrases of a grammar a text can have at all: derived from the phrases, so that none is kept from firing.

A phrase needs one word of each of its sets: "(stop | quit) (please)? texting" needs `stop` or `quit`, and `texting`.
`WORD_CLASSES` looks for the set first that is rarest in ordinary texts: nearly all of them have none of these.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, product
from math import prod
from typing import TypeAlias

from services.optout.rules.detectors.words import commonness
from services.optout.rules.word_classes import WORD_CLASSES, Forms, WordClasses, as_written

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
    return min(needs, key=_in_texts)


def _in_texts(words: frozenset[str]) -> int:
    """Return a guess how many texts have one of the words."""
    return sum(map(commonness, words))


def section(phrases: Iterable[Needs], forms: Forms = as_written, classes: WordClasses = WORD_CLASSES) -> int:
    """Return the bit of `classes` for a new section of phrases that need this.

    Raises:
        ValueError: a phrase needs no word, so that every text would have to be searched for it.
    """
    needs = [sorted(set(each), key=_in_texts) for each in phrases]
    if not all(needs):
        raise ValueError("a phrase needs no word at all")
    return classes.section(needs, forms)


class SubstringGate:
    """A gate for words without spaces between them: what a phrase needs is looked for within the text.

    Attributes:
        letters: the bit of `WORD_CLASSES` that a text has if any phrase may be in it.
    """

    def __init__(self, sections: Mapping[int, Iterable[Needs]]) -> None:
        self._sections = {bit: list(dict.fromkeys(phrases)) for bit, phrases in sections.items()}
        rarest = [_rarest(needs) for phrases in self._sections.values() for needs in phrases]
        self.letters = WORD_CLASSES.register(
            frozenset(letter for words in rarest for word in words for letter in word[:1])
        )

    def opened(self, text: str) -> int:
        """Return the bits of the sections of which the text may have a phrase."""
        return sum(bit for bit, phrases in self._sections.items() if any(_all_in(text, needs) for needs in phrases))


def _all_in(text: str, needs: Sequence[frozenset[str]]) -> bool:
    return all(any(word in text for word in words) for words in needs)
