"""The knowledge about one recipient (a phone in an account) when a reply from them is decided."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, NamedTuple
from uuid import UUID

from shared.events.suppression import SuppressionState

_ALWAYS = datetime.min.replace(tzinfo=UTC)

Outcome = Literal["dispatching", "sent", "failed", "unknown"]


class ScopeQuestion(NamedTuple):
    """The question that an opt-out of the account leaves open: the word that narrows it to the list, and until when."""

    list_word: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Suppression:
    """The state of one scope, and the event that caused it.

    `sender_number` is the number that the recipient wrote to. Of all that asked for it, `sent_at` is the newest time by
    a gateway's clock, `untimed_at` when the newest that came without a time was received. `source` is what asked for it
    where that was not a reply; `gateway` is that of the carrier, where it was a carrier. Where a click on a link is not
    alone in asking for it, `sent_at` is there whatever has asked: an undo goes by that.
    `question` is there while nothing but the opt-out whose confirmation asks it has asked for the suppression.
    """

    scope: str
    state: SuppressionState
    sender_number: str | None
    sent_at: datetime | None
    cause_event_id: UUID | None = None
    untimed_at: datetime | None = None
    source: str | None = None
    gateway: str | None = None
    question: ScopeQuestion | None = None


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message that went to the recipient.

    `outcome` is the newest known, `instruction` the way out that the message offered.
    `confirms` is the event of the opt-out that it confirms, if it is a confirmation.
    """

    message_id: str
    list_id: int
    sender_number: str
    carrier_message_id: str | None
    outcome: Outcome
    dispatched_at: datetime
    instruction: str | None = None
    confirms: UUID | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """A recipient.

    `sent` are the messages of the attribution window, newest first, and older ones that a gateway names.
    """

    suppressions: Mapping[str, Suppression] = field(default_factory=dict)
    sent: Sequence[SentMessage] = ()
    window_starts_at: datetime = _ALWAYS

    def is_suppressed(self, scope: str) -> bool:
        """Say whether sending is forbidden in `scope`."""
        return scope in self.suppressions and self.suppressions[scope].state != "opted_in"

    def suppressed(self, scopes: Iterable[str]) -> dict[str, Suppression]:
        """Return what forbids sending in those of the scopes where anything does, in their order."""
        return {scope: self.suppressions[scope] for scope in scopes if self.is_suppressed(scope)}

    def all_suppressed(self) -> list[Suppression]:
        """Return all that forbids sending.

        In one order, wherever the recipient was loaded from: the same decision is the same entry.
        """
        return list(self.suppressed(sorted(self.suppressions)).values())

    def with_suppressions(self, changed: Mapping[str, Suppression]) -> "Recipient":
        """Return the recipient with these states in place of those of the same scopes."""
        return Recipient({**self.suppressions, **changed}, self.sent, self.window_starts_at)
