"""A rule as an account has it."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticKnownError

from services.optout.rules.actions import ACTIONS
from services.optout.rules.match_types import MATCH_TYPES
from shared.phones import settled_phone

MAX_TERMS = 500
MAX_TERM_CHARACTERS = 500


def _match_type(name: Any) -> str:
    return _one_of(MATCH_TYPES, name)


def _action(name: Any) -> str:
    return _one_of(ACTIONS, name)


def _one_of(names: Iterable[str], name: Any) -> str:
    """Return a registered name; the error is that of a `Literal`."""
    known = list(names)
    if name in known:
        return str(name)
    *others, last = map(repr, known)
    raise PydanticKnownError("literal_error", {"expected": f"{', '.join(others)} or {last}"})


Term = Annotated[str, Field(min_length=1, max_length=MAX_TERM_CHARACTERS)]
MatchName = Annotated[str, BeforeValidator(_match_type), WithJsonSchema({"enum": list(MATCH_TYPES), "type": "string"})]
ActionName = Annotated[str, BeforeValidator(_action), WithJsonSchema({"enum": list(ACTIONS), "type": "string"})]
RuleReach = Literal["list", "account"]
"""How far an opt-out by the rule goes; a reach policy may widen it, also to sender numbers (`policies.Reach`)."""

_STORED = object()


def _canonical(number: str) -> str:
    """Return the number as the events have it: rules that were saved before may have another spelling."""
    return settled_phone(number) if number.startswith("+") else number


class Rule(BaseModel):
    """A rule. `terms` are compared with the normalised text; `sender_number` `*` is every sender number.

    `exact` is the whole reply; `starts_with` its first words; `contains` and `does_not_contain` whole words anywhere in
    it; `regex` RE2 patterns, found anywhere in the normalised text; `stands_alone` the whole reply, a part of it
    between marks, or the last word of an answer, whatever politeness is beside it; `detector` has names of detectors
    as its terms. With `only_as_answer` the
    rule holds only for a reply to a message that asked for an opt-in. `action_address` is the text of an `AUTO_REPLY`,
    the address of a `URL` (called with `webhook_type`: a form or JSON), the list's id of a `MOVE_CONTACT`. Rules are
    tried by `position`, then by their id. `match_type` and `reach` are `match` and `scope` in the API and in Postgres.

    Raises:
        ValueError: a term is missing, empty once normalised, not a detector, or a pattern that RE2 refuses.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True)

    name: Annotated[str, Field(min_length=1, max_length=100)]
    enabled: bool = True
    sender_number: Annotated[str, AfterValidator(_canonical)] = "*"
    match_type: Annotated[MatchName, Field(alias="match")]
    terms: Annotated[tuple[Term, ...], Field(max_length=MAX_TERMS)] = ()
    action: ActionName
    action_address: Annotated[str, Field(max_length=2_000)] | None = None
    reach: Annotated[RuleReach, Field(alias="scope")] = "list"
    position: int = 0
    only_as_answer: bool = False
    webhook_type: Literal["post", "json"] = "post"

    @classmethod
    def stored(cls, definition: str) -> Self:
        """Return a saved rule: it was checked then, perhaps against other limits; it works as far as it can."""
        return cls.model_validate_json(definition, context=_STORED)

    @model_validator(mode="after")
    def _terms_fit(self, info: ValidationInfo) -> Self:
        match_type = MATCH_TYPES[self.match_type]
        if not match_type.has_terms or info.context is _STORED:
            return self
        if not self.terms:
            raise ValueError(f"terms: match {self.match_type!r} needs at least one term")
        match_type.check(self.terms)
        return self
