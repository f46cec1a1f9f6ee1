"""A message's row in the ledger, and its key; no I/O."""

from datetime import datetime
from typing import Literal, NamedTuple

from shared.events.base import format_time
from shared.events.outbound import MessageRequested

LedgerState = Literal["pending", "waiting", "dispatching", "sent", "suppressed", "rejected", "failed", "unknown"]
"""A row begins as `dispatching` (claimed: the carrier is called, or may have been), `suppressed`, `rejected` (by the
gate, by time, by a limit, or cancelled) or `waiting` (for its time). `pending`: given back, because the carrier was
certainly not called, or has taken nothing because of the pace. The others are outcomes; a receipt may still settle
`unknown`."""
NO_OUTCOME: frozenset[LedgerState] = frozenset({"pending", "waiting", "dispatching"})
MessageKey = tuple[str, str]
"""Account and message id."""
ERASED = "erased"
"""What a row has in place of the phone of a recipient who was erased."""
NOT_REQUESTED = ""
"""What a row has as the phone of a message that was cancelled before it was requested."""


class Row(NamedTuple):
    """A row: `detail` is the carrier's message id of a sent one, state and scope of a suppressed one, else a reason.

    Of a rejected one it is the reason and its explanation, of a waiting one until when it waits and for what.
    """

    account_id: str
    message_id: str
    list_id: int
    phone: str
    sender_number: str
    state: LedgerState
    detail: str | None
    decision_started_at: datetime
    changed_at: datetime

    @property
    def key(self) -> MessageKey:
        return self.account_id, self.message_id


class RowUpdate(NamedTuple):
    """The new state of a claimed row: its message's outcome, or `pending`, which gives it back to be decided again.

    `is_throttled`: the carrier refused it for its pace; a row that has been for too long becomes `failed` instead.
    """

    key: MessageKey
    state: LedgerState
    detail: str | None
    is_throttled: bool = False


def key_of(request: MessageRequested) -> MessageKey:
    return request.account_id, request.message_id


def suppressed_detail(scope: str, state: str) -> str:
    """Return the detail of a suppressed message; `split(" ", 1)` gives state and scope back."""
    return f"{state} {scope}"


def rejected_detail(reason: str, explanation: str) -> str:
    """Return the detail of a rejected message; `split(" ", 1)` gives reason and explanation back."""
    return f"{reason} {explanation}"


CANCELLED = rejected_detail("cancelled", "it was cancelled before it left")
"""The detail of a cancelled message."""


def waiting_detail(until: datetime, reason: str) -> str:
    """Return the detail of a waiting message; `split(" ", 1)` gives time and reason back."""
    return f"{format_time(until)} {reason}"


def row_of(
    request: MessageRequested,
    state: LedgerState,
    detail: str | None,
    decision_started_at: datetime,
    changed_at: datetime,
) -> Row:
    """Return the row that the ledger has of a message that has just been written to it."""
    return Row(
        request.account_id,
        request.message_id,
        request.list_id,
        request.phone,
        request.sender_number,
        state,
        detail,
        decision_started_at,
        changed_at,
    )
