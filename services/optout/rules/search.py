"""The search for an account's phrases and patterns anywhere in a text: it may take long, so it has limits."""

import time
from collections.abc import Callable, Sequence

from services.optout.rules.matcher import FoundTerm, SearchResult
from services.optout.rules.patterns import MAX_COMPILE_SECONDS, Pattern, Patterns, compile_pattern
from services.optout.rules.phrases import Phrases
from services.optout.rules.size import LIMITS
from shared.instructions.normalise import normalise


class Search:
    """The phrases and the patterns of an account's rules, each by its rule's index in the order.

    Rules that were saved before there were limits may exceed them; what is above is left out, and no result is whole.
    """

    def __init__(
        self,
        phrases: Sequence[tuple[int, Sequence[str]]],
        patterns: Sequence[tuple[int, Sequence[str]]],
        *,
        is_whole: bool = True,
    ) -> None:
        self._is_whole = is_whole
        self._phrases, self._phrase_terms = Phrases(), list[FoundTerm]()
        for rule_index, terms in phrases:
            self._add_phrases(rule_index, terms)
        self._pattern_terms: list[FoundTerm] = []
        self._compile_seconds = 0.0
        compiled: list[Pattern] = []
        for rule_index, terms in patterns:
            self._add_patterns(rule_index, terms, compiled)
        self._patterns = Patterns(compiled)
        self._nothing = None if self._phrase_terms or self._pattern_terms else SearchResult((), self._is_whole)

    @property
    def patterns(self) -> int:
        """How many patterns there are."""
        return len(self._pattern_terms)

    def find(self, text: str, words: list[str], is_over: Callable[[], bool]) -> SearchResult:
        """Return what is in the normalised `text`, whose words are `words`."""
        if self._nothing is not None:
            return self._nothing
        phrases = self._phrases.find(words) if text else ()
        found = [self._phrase_terms[number] for number in sorted(phrases or ())]
        numbers, all_searched = self._patterns.find(text, is_over)
        found += [self._pattern_terms[number] for number in numbers]
        found.sort(key=lambda term: term.rule_index)
        return SearchResult(found, self._is_whole and all_searched and phrases is not None)

    def _add_phrases(self, rule_index: int, terms: Sequence[str]) -> None:
        for term in map(normalise, terms):
            if term:
                self._phrases.add(len(self._phrase_terms), term)
                self._phrase_terms.append(FoundTerm(rule_index, term))

    def _add_patterns(self, rule_index: int, terms: Sequence[str], compiled: list[Pattern]) -> None:
        """Compile the patterns of one rule, as far as the limits of the account allow."""
        for term in terms:
            if len(compiled) >= LIMITS.patterns or self._compile_seconds > MAX_COMPILE_SECONDS:
                self._is_whole = False
                return
            pattern = self._compile(term)
            if pattern is None or _instructions(compiled) + pattern.instructions > LIMITS.instructions:
                self._is_whole = False
                continue
            compiled.append(pattern)
            self._pattern_terms.append(FoundTerm(rule_index, term))

    def _compile(self, term: str) -> Pattern | None:
        """Return the pattern, None where RE2 refuses it; the time that it took is counted."""
        began = time.thread_time()
        try:
            return compile_pattern(term)
        except ValueError:
            return None
        finally:
            self._compile_seconds += time.thread_time() - began


def _instructions(patterns: Sequence[Pattern]) -> int:
    return sum(pattern.instructions for pattern in patterns)
