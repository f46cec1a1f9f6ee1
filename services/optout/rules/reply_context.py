"""Everything that the rules look at when they judge one reply."""

from collections.abc import Sequence
from typing import NamedTuple

from services.optout.rules.instruction import Instruction
from services.optout.rules.reading import Reading


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

    reading: Reading
    instruction: Instruction | None
    sender_number: str | None
    search_result: SearchResult
