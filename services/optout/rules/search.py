"""Everything of an account's rules that has to be searched for anywhere in a text."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from services.optout.rules.normalise import normalise
from services.optout.rules.patterns import MAX_COMPILE_SECONDS, Pattern, Patterns, compile_pattern
from services.optout.rules.phrases import Phrases
from services.optout.rules.rule_match import VersionedRule
from services.optout.rules.size import LIMITS


class FoundTerm(NamedTuple):
    """A term that is searched for, by its rule's index in the order."""

    rule_index: int
    text: str


class SearchResult(NamedTuple):
    """The terms that are in a text; `is_whole` is false where not all of them were searched for in time."""

    terms: Sequence[FoundTerm]
    is_whole: bool


class Search:
    """The phrases of `contains` and `does_not_contain`, and the patterns of `regex`.

    Rules that were saved before there were limits may exceed them; what is above is left out, and no answer is whole.
    """

    def __init__(self, rules: Sequence[VersionedRule], *, is_whole: bool = True) -> None:
        self._phrases, self._terms = Phrases(), list[FoundTerm]()
        self._pattern_terms: list[FoundTerm] = []
        self._is_whole = is_whole
        self._compile_seconds = 0.0
        patterns: list[Pattern] = []
        for rule_index, versioned in enumerate(rules):
            if versioned.rule.match == "regex":
                self._add_patterns(rule_index, versioned.rule.terms, patterns)
            elif versioned.rule.match in ("contains", "does_not_contain"):
                self._add_phrases(rule_index, versioned.rule.terms)
        self._patterns = Patterns(patterns)

    @property
    def patterns(self) -> int:
        """How many patterns there are."""
        return len(self._pattern_terms)

    def find(self, text: str, words: list[str], is_over: Callable[[], bool]) -> SearchResult:
        """Return what is in the normalised `text`, whose words are `words`."""
        phrases = self._phrases.find(words) if text else ()
        found = [self._terms[number] for number in sorted(phrases or ())]
        numbers, all_searched = self._patterns.find(text, is_over)
        found += [self._pattern_terms[number] for number in numbers]
        found.sort(key=lambda term: term.rule_index)
        return SearchResult(found, self._is_whole and all_searched and phrases is not None)

    def _add_phrases(self, rule_index: int, terms: Sequence[str]) -> None:
        for term in map(normalise, terms):
            if term:
                self._phrases.add(len(self._terms), term)
                self._terms.append(FoundTerm(rule_index, term))

    def _add_patterns(self, rule_index: int, terms: Sequence[str], patterns: list[Pattern]) -> None:
        for term in terms:
            if len(patterns) >= LIMITS.patterns or self._compile_seconds > MAX_COMPILE_SECONDS:
                self._is_whole = False
                return
            began = time.thread_time()
            try:
                pattern = compile_pattern(term)
            except ValueError:
                self._is_whole = False
                continue
            finally:
                self._compile_seconds += time.thread_time() - began
            if sum(each.instructions for each in patterns) + pattern.instructions > LIMITS.instructions:
                self._is_whole = False
                continue
            patterns.append(pattern)
            self._pattern_terms.append(FoundTerm(rule_index, term))
