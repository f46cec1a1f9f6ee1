"""A rule as an account has it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_TERMS = 500
MAX_TERM_CHARACTERS = 500

Term = Annotated[str, Field(min_length=1, max_length=MAX_TERM_CHARACTERS)]


class Rule(BaseModel):
    """`terms` are compared with the normalised text; `sender_number` `*` is every number that people write to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100)]
    enabled: bool = True
    sender_number: str = "*"
    match: Literal["exact", "starts_with"]
    terms: Annotated[tuple[Term, ...], Field(min_length=1, max_length=MAX_TERMS)]
    action: Literal["OPT_OUT", "OPT_IN"]
    scope: Literal["list", "account"] = "list"
