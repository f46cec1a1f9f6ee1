"""The result of applying an account's rules to a reply."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from services.optout.rules.rule import Rule, RuleReach

MatchKind: TypeAlias = Literal["opt_out", "held", "opt_in", "help", "none"]


@dataclass(frozen=True, slots=True)
class VersionedRule:
    """A rule, and the version of it that a decision names."""

    rule_id: int
    version: int
    rule: Rule


class RuleMatch(NamedTuple):
    """The result of applying an account's rules to a reply: the rule that decides it, if there is one.

    `kind` `opt_out` is certain; `held` is likely, waits for a person and forbids sending meanwhile.
    `matched_by` is a short word (`keyword`, `echo`, `plain_words`, `wrong_person`, `rules_too_slow`, `no_rule` …).
    `term` is what matched; `start` and `end` say where, in characters of the text after the steps that `normalised_by`
    names. `reach` is how far an opt-out goes (`scopes_of` turns it into scopes); `only_as_answer` whether the rule
    holds only for an answer to a question.
    `follow_ups` are the other rules that match, in their order, where the kind is `none` or `help` only.
    """

    kind: MatchKind
    matched_by: str
    rule: str | None = None
    rule_id: int | None = None
    version: int | None = None
    term: str | None = None
    start: int | None = None
    end: int | None = None
    normalised_by: tuple[str, ...] = ()
    reach: RuleReach = "list"
    follow_ups: tuple[VersionedRule, ...] = ()
    only_as_answer: bool = False


NO_RULE = RuleMatch("none", "no_rule")
