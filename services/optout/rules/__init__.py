"""The rules for what counts as an opt-out: pure, text and rules in, an answer out."""

from services.optout.rules.answer import Answer, VersionedRule
from services.optout.rules.defaults import DEFAULT_RULES
from services.optout.rules.engine import RuleSet
from services.optout.rules.rule import Rule
from services.optout.rules.search import Found

__all__ = ["DEFAULT_RULES", "Answer", "Found", "Rule", "RuleSet", "VersionedRule"]
