"""A rule as an account has it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_TERMS = 500
MAX_TERM_CHARACTERS = 500

Term = Annotated[str, Field(min_length=1, max_length=MAX_TERM_CHARACTERS)]
MatchType = Literal["any", "exact", "starts_with", "contains", "does_not_contain", "regex", "stands_alone", "detector"]
RuleAction = Literal["OPT_OUT", "OPT_IN", "HELP", "AUTO_REPLY", "URL", "MOVE_CONTACT", "NONE"]
Scope = Literal["list", "account"]


class Rule(BaseModel):
    """`terms` are compared with the normalised text; `sender_number` `*` is every number that people write to.

    `stands_alone` matches a term that is the whole reply or a sentence of its own in it; `detector` has the names of
    detectors as its terms. `action_address` is the text of an `AUTO_REPLY`, the address of a `URL`, the list's id of a
    `MOVE_CONTACT`. Rules are tried by `position`, then by their id.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100)]
    enabled: bool = True
    sender_number: str = "*"
    match: MatchType
    terms: Annotated[tuple[Term, ...], Field(max_length=MAX_TERMS)] = ()
    action: RuleAction
    action_address: Annotated[str, Field(max_length=2_000)] | None = None
    scope: Scope = "list"
    position: int = 0
