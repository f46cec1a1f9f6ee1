"""The parts of a match type: what checks its terms, what it is given of a reply, and which rules it finds to match."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from services.optout.rules.detectors import Finding
from services.optout.rules.normalised_reply import NormalisedReply
from shared.instructions.find import Instruction

RuleTerms = tuple[int, Sequence[str]]
"""A rule, by its index in the order of the account's rules, and its terms."""


class FoundTerm(NamedTuple):
    """A term that is in a text, by its rule's index in the order."""

    rule_index: int
    term: str


class SearchResult(NamedTuple):
    """The terms that are in a text; `is_whole` is false where not all of them were searched for in time."""

    terms: Sequence[FoundTerm]
    is_whole: bool


class ReplyContext(NamedTuple):
    """A reply, and what it answers.

    `instruction` is the offer that it answers, None where it answers none or that is not known; `sender_number` is what
    it was written to; `search_result` has the phrases and patterns that are in it.
    """

    normalised: NormalisedReply
    instruction: Instruction | None
    sender_number: str | None
    search_result: SearchResult


class Hit(NamedTuple):
    """A rule, by its index, that matches; `finding` is what a detector says more."""

    rule_index: int
    term: str
    is_certain: bool = True
    finding: Finding | None = None


class Matcher(Protocol):
    """The rules of one match type that an account has, made ready once for all replies."""

    def hits(self, reply: ReplyContext) -> Iterable[Hit]:
        """Return the rules that match `reply`: one hit at least for each, its best one first."""


class WholeReplyMatcher(Matcher, Protocol):
    """A matcher whose terms may be all that a reply consists of."""

    def rules_with(self, term: str) -> Sequence[int]:
        """Return the rules that have this normalised term, by their indices."""


def no_check(terms: Sequence[str]) -> None:
    """Accept all terms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchType:
    """A way of matching, as `MATCH_TYPES` registers it.

    Attributes:
        matcher: makes a matcher of all rules of this type.
        check: raises ValueError where a term cannot work.
        searched_as: what `Search` looks for in the text before the matchers are asked; None: nothing.
        has_terms: whether a rule of this type needs a term.
        needs_term_in_reply: whether a reply that matches contains a term; else any reply may match.
        has_words_of_term: whether a reply that matches has the words of a term: without its first one, none is asked.
        is_detector: whether it is asked last, and only for opt-outs; see `Precedence`.
        everything_order: which type is asked first about a reply that is a term with words for everything after it
            ("stop all"); None: those do not match such a reply.
        matched_by: the word for it in the rule match, where no finding has its own.
        clicksend_number: the number of the type in ClickSend's API, if it has one.
    """

    matcher: Callable[[Sequence[RuleTerms]], Matcher]
    check: Callable[[Sequence[str]], None] = no_check
    searched_as: Literal["phrase", "pattern"] | None = None
    has_terms: bool = True
    needs_term_in_reply: bool = True
    has_words_of_term: bool = False
    is_detector: bool = False
    everything_order: int | None = None
    matched_by: str = "keyword"
    clicksend_number: int | None = None
