"""What counts as an opt-out: pure, text and rules in, a match out."""

from services.optout.rules.defaults import DEFAULT_RULES
from services.optout.rules.engine import Match, VersionedRule, first_match
from services.optout.rules.rule import Rule

__all__ = ["DEFAULT_RULES", "Match", "Rule", "VersionedRule", "first_match"]
