"""Comparison of a draft rule with the present rules on a text: pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from services.optout.rules import RuleMatch, RuleSet, VersionedRule


class Effect(Enum):
    """The effect of a draft. `OLD`: its words match, and the present rules do the same, or one before it wins."""

    NONE = "none"
    OLD = "old"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class ReceivedText:
    """A received message, and what its answer depends on."""

    body: str
    sender_number: str | None = None
    instruction: str | None = None


class Comparison:
    """A comparison. `draft` takes the place of the rule with its id, if there is one."""

    def __init__(self, draft: VersionedRule, present: Sequence[VersionedRule]) -> None:
        self._draft = draft
        self._alone = RuleSet([draft])
        self._present = RuleSet(present)
        self._proposed = RuleSet([*(each for each in present if each.rule_id != draft.rule_id), draft])

    def effect(self, text: ReceivedText, is_over: Callable[[], bool] = lambda: False) -> Effect:
        """Return what the draft would change about the answer to `text`; patterns are searched for until `is_over`."""
        if not self._acts(_match(self._alone, text, is_over)):
            return Effect.NONE
        proposed = _match(self._proposed, text, is_over)
        if not self._acts(proposed) or self._is_same(proposed, _match(self._present, text, is_over)):
            return Effect.OLD
        return Effect.NEW

    def _acts(self, match: RuleMatch) -> bool:
        if match.kind != "none" and match.rule_id == self._draft.rule_id:
            return True
        return any(each.rule_id == self._draft.rule_id for each in match.follow_ups)

    def _is_same(self, proposed: RuleMatch, present: RuleMatch) -> bool:
        if proposed.kind != present.kind:
            return False
        if proposed.rule_id == self._draft.rule_id:
            return True
        does = self._draft.rule.action, self._draft.rule.action_address
        return any((each.rule.action, each.rule.action_address) == does for each in present.follow_ups)


def _match(rules: RuleSet, text: ReceivedText, is_over: Callable[[], bool]) -> RuleMatch:
    searched = rules.after_search(rules.search(text.body, is_over))
    return searched.match(text.body, sender_number=text.sender_number, answered_text=text.instruction)
