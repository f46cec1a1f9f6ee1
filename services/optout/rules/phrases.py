"""Finds many phrases in a text at once: whole words, one look-up per word instead of one search per phrase."""

from collections.abc import Iterable
from typing import Any

MAX_WORDS = 20
"""Of a phrase that may be saved."""
MAX_STEPS = 250_000
"""Words of the text times words of the longest phrase, some 50 ns each at worst."""
_END = ""
"""The key of the phrases that end at a place of the tree: no word is empty."""


class Phrases:
    """A tree of words; `add` all, then `find`."""

    def __init__(self) -> None:
        self._tree: dict[str, Any] = {}
        self._longest = 0

    def add(self, number: int, phrase: str) -> None:
        """Add a normalised phrase."""
        words = phrase.split(" ")
        self._longest = max(self._longest, len(words))
        place = self._tree
        for word in words:
            place = place.setdefault(word, {})
        place.setdefault(_END, []).append(number)

    def find(self, words: list[str]) -> Iterable[int] | None:
        """Return the numbers of the phrases among the text's `words`; None where that would take too long."""
        if not self._tree:
            return ()
        if len(words) * self._longest > MAX_STEPS:
            return None
        found: set[int] = set()
        for start, first in enumerate(words):
            place = self._tree.get(first)
            following = start + 1
            while place is not None:
                found.update(place.get(_END, ()))
                place = place.get(words[following]) if following < len(words) else None
                following += 1
        return found
