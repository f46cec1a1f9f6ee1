"""The opt-outs that may be confirmed now, as the records of `suppressions` allow it: a few, and only the newest.

What is not known is not confirmed (G6): they are in memory only, so that after a restart whatever was read before is
not known any more, and over the limit the oldest are forgotten. Any later change about the recipient ends it, too.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from shared.confirmations import CONFIRMATION_WINDOW
from shared.events.suppression import AllowedConfirmation, SuppressionChanged

MAX_CONFIRMABLE = 10_000
"""Opt-outs of five minutes: beyond that, the oldest keep the silence."""

_Recipient = tuple[str, int]
"""Account, and the key of the phone in the cache."""


@dataclass(frozen=True, slots=True)
class ConfirmableOptOut:
    """An opt-out that may be confirmed: the event that caused it, the scopes that it left, and the one message."""

    cause_event_id: UUID
    scopes: frozenset[str]
    allowed: AllowedConfirmation


class ConfirmableOptOuts:
    """The newest opt-outs that may be confirmed, by recipient; `limit` is how many are kept."""

    def __init__(self, limit: int = MAX_CONFIRMABLE) -> None:
        self._limit = limit
        self._by_recipient: OrderedDict[_Recipient, ConfirmableOptOut] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_recipient)

    def get(self, account_id: str, key: int) -> ConfirmableOptOut | None:
        """Return the recipient's opt-out, if nothing about them has changed since."""
        return self._by_recipient.get((account_id, key))

    def note(self, key: int, event: SuppressionChanged) -> None:
        """Note a change that has a confirmation; those of one opt-out are noted one by one, for each of its scopes."""
        recipient = event.account_id, key
        before = self._by_recipient.pop(recipient, None)
        if event.confirmation is None or event.state != "opted_out":
            return
        scopes = frozenset([event.scope])
        if before is not None and before.cause_event_id == event.cause_event_id:
            scopes |= before.scopes
        self._by_recipient[recipient] = ConfirmableOptOut(event.cause_event_id, scopes, event.confirmation)
        self._forget_old(event)

    def forget(self, account_id: str, keys: Iterable[int]) -> None:
        """Note that something else has changed about these recipients."""
        if self._by_recipient:
            for key in keys:
                self._by_recipient.pop((account_id, key), None)

    def _forget_old(self, newest: SuppressionChanged) -> None:
        while self._by_recipient:
            first = next(iter(self._by_recipient.values()))
            is_old = newest.changed_at - first.allowed.received_at > CONFIRMATION_WINDOW
            if len(self._by_recipient) <= self._limit and not is_old:
                return
            self._by_recipient.popitem(last=False)
