"""Patterns that users write, run by RE2: no text makes one of them slow."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import re2

MAX_PATTERN_BYTES = 1 << 20
_CONSTRUCTS = (
    (r"\(\?<?[=!]", "looking ahead or behind, (?=…) (?!…) (?<=…) (?<!…)"),
    (r"\(\?>|[*+?}]\+", "atomic groups and possessive quantifiers, (?>…) and a++"),
    (r"\(\?P=|\\[1-9]|\\k<", r"back-references, \1 or (?P=name)"),
    (r"\(\?\(", "conditions, (?(1)…)"),
    (r"\(\?#", "comments, (?#…)"),
)


def options() -> Any:
    """Return RE2's options: quiet, bounded in memory, blind to case."""
    chosen = re2.Options()
    chosen.log_errors = False
    chosen.max_mem = MAX_PATTERN_BYTES * 8
    chosen.case_sensitive = False
    return chosen


@lru_cache(maxsize=1_024)
def compile_pattern(pattern: str) -> Any:
    """Return the compiled pattern.

    Raises:
        ValueError: RE2 refuses it; the text names the construct.
    """
    try:
        return re2.compile(pattern, options())
    except re2.error as error:
        raise ValueError(f"terms: {pattern!r} is refused: {_explanation(pattern, error)}") from None


class Patterns:
    """Many patterns, searched for at once: in one RE2 set where its memory allows, else in several."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._sets = list(_sets(patterns, 0))

    def find(self, text: str) -> Iterator[int]:
        """Yield the number of each pattern that is in `text`, in no particular order."""
        for first, found in self._sets:
            for number in found.Match(text) or ():
                yield first + number


def _sets(patterns: Sequence[str], first: int) -> Iterator[tuple[int, Any]]:
    if not patterns:
        return
    made = re2.Set.SearchSet(options())
    for pattern in patterns:
        made.Add(pattern)
    try:
        made.Compile()
    except re2.error:
        if len(patterns) == 1:
            raise
        half = len(patterns) // 2
        yield from _sets(patterns[:half], first)
        yield from _sets(patterns[half:], first + half)
    else:
        yield first, made


def _explanation(pattern: str, error: Exception) -> str:
    said = error.args[0] if error.args else ""
    words = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    for construct, name in _CONSTRUCTS:
        if re.search(construct, pattern):
            return f"RE2 does not have {name} ({words})"
    return words
