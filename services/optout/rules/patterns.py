"""Patterns that users write, run by RE2: the time is at most in proportion to the text and to the compiled program."""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from re2 import _re2

MAX_MEMORY_BYTES = 256 * 1024
"""Of a pattern with the states that it remembers. A program that needs more is refused as too large."""
MAX_STEPS = 1_000_000
"""Of one pattern on one text: bytes times instructions, some 8 ns each at worst. RE2 cannot be interrupted."""
MAX_COMPILE_SECONDS = 0.05
"""Of all patterns of an account, in processor time: a short pattern can name many classes of Unicode."""

_CONSTRUCTS = (
    (r"\(\?<?[=!]", "looking ahead or back, (?=…) (?!…) (?<=…) (?<!…)"),
    (r"\(\?>|[*+?}]\+", "atomic groups and possessive quantifiers, (?>…) and a++"),
    (r"\(\?P=|\\[1-9]|\\k<", r"back-references, \1 or (?P=name)"),
    (r"\(\?\(", "conditions, (?(1)…)"),
    (r"\(\?#", "comments, (?#…)"),
)
_TOO_LARGE = "pattern too large"


class Pattern(NamedTuple):
    """A compiled pattern; `instructions` is the size of its program."""

    compiled: Any
    instructions: int

    def is_in(self, text: bytes) -> bool:
        """Say whether the pattern is found anywhere in `text`. Other threads can run meanwhile."""
        ((start, _),) = self.compiled.Match(_re2.RE2.Anchor.UNANCHORED, text, 0, len(text))
        return bool(start >= 0)


def compile_pattern(pattern: str) -> Pattern:
    """Return the compiled pattern.

    Raises:
        ValueError: RE2 refuses it; the text names the construct.
    """
    compiled = _re2.RE2(pattern.encode(), _options())
    if not compiled.ok():
        raise ValueError(f"terms: {pattern!r} is refused: {_explanation(pattern, compiled.error())}")
    return Pattern(compiled, compiled.ProgramSize())


def compile_all(patterns: Iterable[str]) -> Iterator[Pattern]:
    """Yield the compiled patterns.

    Raises:
        ValueError: one is refused, or it takes too long.
    """
    ends_at = time.thread_time() + MAX_COMPILE_SECONDS
    for pattern in patterns:
        if time.thread_time() > ends_at:
            raise ValueError("terms: it takes too long to compile all these patterns; name fewer classes such as \\pL")
        yield compile_pattern(pattern)


def _options() -> Any:
    chosen = _re2.RE2.Options()
    chosen.log_errors = False
    chosen.max_mem = MAX_MEMORY_BYTES
    chosen.case_sensitive = False
    chosen.never_capture = True
    return chosen


class Patterns:
    """A set of many patterns, searched for one by one: a search of RE2's own sets cannot be stopped or bounded."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._patterns = patterns

    def __len__(self) -> int:
        return len(self._patterns)

    def find(self, text: str, is_over: Callable[[], bool]) -> tuple[list[int], bool]:
        """Return the numbers of the patterns that are in `text`, and whether all were searched for.

        One that might take more than `MAX_STEPS` is left out; after `is_over` says so, all others are.
        """
        encoded, found, is_whole = text.encode(), list[int](), True
        for number, pattern in enumerate(self._patterns):
            if is_over():
                return found, False
            if len(encoded) * pattern.instructions > MAX_STEPS:
                is_whole = False
            elif pattern.is_in(encoded):
                found.append(number)
        return found, is_whole


def _explanation(pattern: str, error: Any) -> str:
    words = error.decode(errors="replace") if isinstance(error, bytes) else str(error)
    if words.startswith(_TOO_LARGE):
        return f"its program is too large ({words}); repeat less, or name fewer characters"
    for construct, name in _CONSTRUCTS:
        if re.search(construct, pattern):
            return f"RE2 does not have {name} ({words})"
    return words
