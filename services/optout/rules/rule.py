"""A rule as an account has it."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from services.optout.rules.normalise import normalise
from services.optout.rules.patterns import compile_all
from services.optout.rules.phrases import MAX_WORDS
from shared.phones import settled_phone

MAX_TERMS = 500
MAX_TERM_CHARACTERS = 500
DETECTOR_NAMES = ("echo", "plain_words", "wrong_person", "refusal", "slogans")

Term = Annotated[str, Field(min_length=1, max_length=MAX_TERM_CHARACTERS)]
MatchType = Literal["any", "exact", "starts_with", "contains", "does_not_contain", "regex", "stands_alone", "detector"]
RuleAction = Literal["OPT_OUT", "OPT_IN", "HELP", "AUTO_REPLY", "URL", "MOVE_CONTACT", "NONE"]
OptOutReach = Literal["list", "account"]


_STORED = object()


def _canonical(number: str) -> str:
    """Return the number as the events have it: rules that were saved before may have another spelling."""
    return settled_phone(number) if number.startswith("+") else number


class Rule(BaseModel):
    """A rule. `terms` are compared with the normalised text; `sender_number` `*` is every number that people write to.

    `exact` is the whole reply; `starts_with` its first words; `contains` and `does_not_contain` whole words anywhere in
    it; `regex` RE2 patterns, found anywhere in the normalised text; `stands_alone` the whole reply or a sentence of its
    own, whatever politeness is beside it; `detector` has names of detectors as its terms. With `only_as_answer` the
    rule holds only for a reply to a message that asked for an opt-in. `action_address` is the text of an `AUTO_REPLY`,
    the address of a `URL` (called with `webhook_type`: a form or JSON), the list's id of a `MOVE_CONTACT`. Rules are
    tried by `position`, then by their id.

    Raises:
        ValueError: a term is missing, empty once normalised, no detector, or a pattern that RE2 refuses.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100)]
    enabled: bool = True
    sender_number: Annotated[str, AfterValidator(_canonical)] = "*"
    match: MatchType
    terms: Annotated[tuple[Term, ...], Field(max_length=MAX_TERMS)] = ()
    action: RuleAction
    action_address: Annotated[str, Field(max_length=2_000)] | None = None
    scope: OptOutReach = "list"
    position: int = 0
    only_as_answer: bool = False
    webhook_type: Literal["post", "json"] = "post"

    @classmethod
    def stored(cls, definition: str) -> Self:
        """Return a rule that was saved: it was checked then, perhaps by other limits, and holds as far as it can."""
        return cls.model_validate_json(definition, context=_STORED)

    @model_validator(mode="after")
    def _terms_fit(self, info: ValidationInfo) -> Self:
        if self.match == "any" or info.context is _STORED:
            return self
        if not self.terms:
            raise ValueError(f"terms: match {self.match!r} needs at least one term")
        if self.match == "regex":
            list(compile_all(self.terms))
        else:
            for term in self.terms:
                self._check(term)
        return self

    def _check(self, term: str) -> None:
        if self.match == "detector":
            if term not in DETECTOR_NAMES:
                raise ValueError(f"terms: {term!r} is not a detector; there are {', '.join(DETECTOR_NAMES)}")
        elif not (words := normalise(term)):
            raise ValueError(f"terms: nothing of {term!r} is left to compare, it has neither letters nor digits")
        elif self.match in ("contains", "does_not_contain") and words.count(" ") >= MAX_WORDS:
            raise ValueError(f"terms: {term!r} has more than {MAX_WORDS} words; name the words that matter")
