"""Which rule a text matches: opt-out rules first, then opt-in, then the rest; the first match ends the evaluation."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from services.optout.rules.answer import Answer, VersionedRule
from services.optout.rules.normalise import normalise
from services.optout.rules.rule import Rule


class RuleSet:
    """An account's rules, made ready once; it never changes, so that it can be shared and kept."""

    def __init__(self, rules: Sequence[VersionedRule]) -> None:
        ordered = sorted((r for r in rules if r.rule.enabled), key=lambda r: (r.rule.position, r.rule_id))
        self._opt_out = [r for r in ordered if r.rule.action == "OPT_OUT"]
        self._opt_in = [r for r in ordered if r.rule.action == "OPT_IN"]

    def answer(self, body: str, *, sender_number: str | None = None, instruction: str | None = None) -> Answer:  # noqa: ARG002 (echo comes)
        """Return what the rules say of `body`, written to `sender_number` in answer to `instruction`.

        `instruction` is the message that it answers, or the sentence of it that offers the way out; None where that is
        not known. Any text gets an answer, in a time that is bounded by its length.
        """
        text = _normalised_text(body) if len(body) <= _SHORT else normalise(body)
        for versioned in (*self._opt_out, *self._opt_in):
            rule = versioned.rule
            term = _matching_term(text, rule) if rule.sender_number in ("*", sender_number) else None
            if term is not None:
                answer: Literal["opt_out", "opt_in"] = "opt_out" if rule.action == "OPT_OUT" else "opt_in"
                return Answer(
                    answer, "keyword", rule.name, versioned.rule_id, versioned.version, term, scope=rule.scope
                )
        return Answer("none", "no_rule")


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
