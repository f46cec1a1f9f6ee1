"""The rules for what counts as an opt-out: pure, text and rules in, a rule match out."""

from services.optout.rules.defaults import DEFAULT_RULES
from services.optout.rules.engine import RuleSet
from services.optout.rules.matcher import SearchResult
from services.optout.rules.rule import Rule
from services.optout.rules.rule_match import RuleMatch, VersionedRule

__all__ = ["DEFAULT_RULES", "Rule", "RuleMatch", "RuleSet", "SearchResult", "VersionedRule"]
