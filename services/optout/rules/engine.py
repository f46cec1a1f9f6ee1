"""Which rule a text matches: opt-out rules first, in their order, and the first match ends the evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from services.optout.rules.normalise import normalise
from services.optout.rules.rule import Rule


@dataclass(frozen=True, slots=True)
class VersionedRule:
    """A rule, and the version of it that a decision names."""

    rule_id: int
    version: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class Match:
    """`term` is what matched, after normalisation."""

    action: Literal["OPT_OUT", "OPT_IN"]
    rule: str
    version: int
    term: str
    scope: Literal["list", "account"]


def first_match(body: str, sender_number: str | None, rules: Sequence[VersionedRule]) -> Match | None:
    """Return the first rule that `body`, written to `sender_number`, matches; None where none does."""
    text = _normalised_text(body) if len(body) <= _SHORT else normalise(body)
    for action in ("OPT_OUT", "OPT_IN"):
        for versioned in rules:
            rule = versioned.rule
            if rule.action == action and rule.enabled and rule.sender_number in ("*", sender_number):
                term = _matching_term(text, rule)
                if term is not None:
                    return Match(rule.action, rule.name, versioned.version, term, rule.scope)
    return None


def _matching_term(text: str, rule: Rule) -> str | None:
    for term in _normalised(rule.terms):
        if text == term or (rule.match == "starts_with" and text.startswith(f"{term} ")):
            return term
    return None


# People write the same few words.
_SHORT = 40
_normalised_text = lru_cache(maxsize=4096)(normalise)


@lru_cache(maxsize=4096)
def _normalised(terms: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(normalise, terms))
