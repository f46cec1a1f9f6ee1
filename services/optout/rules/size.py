"""How large the rules of an account are, and how large they may be: other accounts wait while they run."""

import time
from collections.abc import Iterable
from typing import NamedTuple

from services.optout.rules.match_types import MATCH_TYPES
from services.optout.rules.patterns import compile_pattern
from services.optout.rules.rule import Rule


class Size(NamedTuple):
    """The size of all rules of an account together, including those that are switched off.

    `patterns` are the terms of `regex` rules, `instructions` the size of their compiled programs, `compile_ms` the
    processor's time to compile them; `kilobytes` are the rules as they are stored, with names and texts.
    """

    terms: int
    kilobytes: int
    patterns: int
    instructions: int
    compile_ms: int


LIMITS = Size(terms=2_000, kilobytes=150, patterns=100, instructions=10_000, compile_ms=25)
"""Measured: the worst account within them delays the others by less than 50 ms, its compilation included."""


def size_of(rules: Iterable[Rule]) -> Size:
    """Return the size. A pattern that is refused today, but was saved before there were limits, counts as too large."""
    terms = stored_bytes = 0
    patterns: list[str] = []
    for rule in rules:
        terms += len(rule.terms)
        stored_bytes += len(rule.model_dump_json().encode())
        if MATCH_TYPES[rule.match_type].searched_as == "pattern":
            patterns += rule.terms
    instructions, seconds = _compiled(patterns[: LIMITS.patterns])
    if seconds * 1_000 > LIMITS.compile_ms:  # once more: something else may have disturbed it
        seconds = min(seconds, _compiled(patterns[: LIMITS.patterns])[1])
    return Size(terms, -(-stored_bytes // 1_000), len(patterns), instructions, round(seconds * 1_000))


def _compiled(patterns: Iterable[str]) -> tuple[int, float]:
    """Return instructions and seconds; stop soon after the limits are exceeded."""
    began, instructions = time.thread_time(), 0
    for pattern in patterns:
        try:
            instructions += compile_pattern(pattern).instructions
        except ValueError:
            instructions += LIMITS.instructions
        if instructions > LIMITS.instructions or time.thread_time() - began > LIMITS.compile_ms / 500:
            break
    return instructions, time.thread_time() - began
