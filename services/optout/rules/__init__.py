"""What counts as an opt-out: pure, text and rules in, an answer out."""

from services.optout.rules.answer import Answer, VersionedRule
from services.optout.rules.defaults import DEFAULT_RULES
from services.optout.rules.engine import RuleSet
from services.optout.rules.rule import Rule

__all__ = ["DEFAULT_RULES", "Answer", "Rule", "RuleSet", "VersionedRule"]
