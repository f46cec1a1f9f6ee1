"""Comparison of a draft rule with the present rules on a text: pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from services.optout.rules import RuleMatch, RuleSet, VersionedRule
from services.optout.rules.rule_match import NO_RULE


class Effect(Enum):
    """The effect of a draft.

    `OLD`: its words match, and the present rules do the same, or one before it wins. `LOST`: its words do not match,
    those of the rule that it replaces do, and no other rule does the same.
    """

    NONE = "none"
    OLD = "old"
    NEW = "new"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class ReceivedText:
    """A received message, and what its answer depends on."""

    body: str
    sender_number: str | None = None
    instruction: str | None = None


class RuleChange(NamedTuple):
    """The effect of a draft on one text, with what the rules say of it before and after where that matters."""

    effect: Effect
    before: RuleMatch = NO_RULE
    after: RuleMatch = NO_RULE


class Comparison:
    """A comparison. `draft` takes the place of the rule with its id, if there is one."""

    def __init__(self, draft: VersionedRule, present: Sequence[VersionedRule]) -> None:
        self._draft = draft
        self._replaces = any(each.rule_id == draft.rule_id for each in present)
        self._alone = RuleSet([draft])
        self._present = RuleSet(present)
        self._proposed = RuleSet([*(each for each in present if each.rule_id != draft.rule_id), draft])

    def effect(self, text: ReceivedText, is_over: Callable[[], bool] = lambda: False) -> Effect:
        """Return what the draft would change about the answer to `text`; patterns are searched for until `is_over`."""
        return self.change(text, is_over).effect

    def change(self, text: ReceivedText, is_over: Callable[[], bool] = lambda: False) -> RuleChange:
        """Return the same with what the rules say before and after; of a text without an effect that is not read."""
        is_matched = self._acts(self.alone(text, is_over))
        if not is_matched and not self._replaces:
            return RuleChange(Effect.NONE)
        before, after = self.before_and_after(text, is_over)
        if is_matched:
            is_old = not self._acts(after) or self._is_same(after, before)
            return RuleChange(Effect.OLD if is_old else Effect.NEW, before, after)
        return RuleChange(Effect.LOST if self._is_lost(before, after) else Effect.NONE, before, after)

    def alone(self, text: ReceivedText, is_over: Callable[[], bool] = lambda: False) -> RuleMatch:
        """Return what the draft would say of `text` if it were the only rule."""
        return _match(self._alone, text, is_over)

    def before_and_after(
        self, text: ReceivedText, is_over: Callable[[], bool] = lambda: False
    ) -> tuple[RuleMatch, RuleMatch]:
        """Return what the present rules say of `text`, and what they would say with the draft."""
        return _match(self._present, text, is_over), _match(self._proposed, text, is_over)

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

    def _is_lost(self, before: RuleMatch, after: RuleMatch) -> bool:
        """Say whether the replaced rule decided the text, or followed it up, and nothing else does the same."""
        if not self._acts(before):
            return False
        return before.kind != after.kind or before.rule_id != self._draft.rule_id


def _match(rules: RuleSet, text: ReceivedText, is_over: Callable[[], bool]) -> RuleMatch:
    searched = rules.after_search(rules.search(text.body, is_over))
    return searched.match(text.body, sender_number=text.sender_number, answered_text=text.instruction)
