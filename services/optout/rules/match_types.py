"""The match types, registered once: the API, the checks, the search and the engine all read this table.

To add one, write its matcher and its line here. `docs/rules.md` describes them for users.
"""

from collections.abc import Sequence

from services.optout.rules import matchers
from services.optout.rules.detectors import DETECTORS
from services.optout.rules.matcher import MatchType
from services.optout.rules.patterns import compile_all
from services.optout.rules.phrases import MAX_WORDS
from shared.instructions.normalise import normalise


def _check_keywords(terms: Sequence[str]) -> None:
    for term in terms:
        if not normalise(term):
            raise ValueError(f"terms: nothing of {term!r} is left to compare, it has neither letters nor digits")


def _check_phrases(terms: Sequence[str]) -> None:
    for term in terms:
        _check_keywords([term])
        if normalise(term).count(" ") >= MAX_WORDS:
            raise ValueError(f"terms: {term!r} has more than {MAX_WORDS} words; name the words that matter")


def _check_patterns(terms: Sequence[str]) -> None:
    for _ in compile_all(terms):
        pass


def _check_detectors(terms: Sequence[str]) -> None:
    for term in terms:
        if term not in DETECTORS:
            raise ValueError(f"terms: {term!r} is not a detector; there are {', '.join(DETECTORS)}")


MATCH_TYPES: dict[str, MatchType] = {
    "any": MatchType(matcher=matchers.AnyReply, has_terms=False, needs_term_in_reply=False, clicksend_number=0),
    "exact": MatchType(matcher=matchers.WholeReply, check=_check_keywords, has_words_of_term=True, everything_order=2),
    "starts_with": MatchType(
        matcher=matchers.FirstWords, check=_check_keywords, has_words_of_term=True, clicksend_number=1
    ),
    "contains": MatchType(matcher=matchers.Contained, check=_check_phrases, searched_as="phrase", clicksend_number=2),
    "does_not_contain": MatchType(
        matcher=matchers.NotContained,
        check=_check_phrases,
        searched_as="phrase",
        needs_term_in_reply=False,
        clicksend_number=3,
    ),
    "regex": MatchType(matcher=matchers.Contained, check=_check_patterns, searched_as="pattern", matched_by="pattern"),
    "stands_alone": MatchType(
        matcher=matchers.Standalone, check=_check_keywords, has_words_of_term=True, everything_order=1
    ),
    "detector": MatchType(matcher=matchers.Detected, check=_check_detectors, is_detector=True),
}
"""By the name that the API and stored rules use."""
