"""The states that a batch's entries leave: pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.optout.decision_log.entry import STATES, Entry

StateKey = tuple[str, str, str]
"""Account, scope, phone."""


@dataclass(frozen=True, slots=True)
class StateLeft:
    """The state that an entry leaves of one suppression.

    `is_new` takes the place of what was there. Otherwise it was there before: its times only grow, None leaves state,
    cause and time of change as they are, and with `keeps_number` the number that was written to.
    """

    is_new: bool
    state: str | None
    cause_event_id: UUID | None
    sender_number: str | None
    sent_at: datetime | None
    untimed_at: datetime | None
    changed_at: datetime | None
    keeps_number: bool = False
    source: str | None = None


def states_left(decided: Iterable[Entry]) -> dict[StateKey, StateLeft]:
    """Return the state that each (account, scope, phone) is left in by entries in their order."""
    left: dict[StateKey, StateLeft] = {}
    for entry in decided:
        for scope in entry.changed:
            left[entry.account_id, scope, entry.phone] = _changed(entry, is_new=True)
        for scope in entry.raised:
            key = entry.account_id, scope, entry.phone
            left[key] = _joined(left.get(key), _changed(entry, is_new=False))
        for scope in entry.asked_again:
            key = entry.account_id, scope, entry.phone
            left[key] = _joined(left.get(key), _confirmed(entry))
    return left


def _changed(entry: Entry, *, is_new: bool) -> StateLeft:
    state = STATES[entry.kind]
    return StateLeft(
        is_new, state, entry.cause_event_id, entry.sender_number, *entry.opt_out_times, entry.decided_at,
        source=entry.request.source if entry.request is not None and state == "opted_out" else None,
    )  # fmt: skip


def _confirmed(entry: Entry) -> StateLeft:
    """Return the confirmed state; a held entry and a request say nothing of the number that somebody left through."""
    keeps_number = entry.kind == "held" or entry.request is not None
    number = None if keeps_number else entry.sender_number
    sent_at, untimed_at = entry.opt_out_times
    return StateLeft(
        is_new=False,
        state=None,
        cause_event_id=None,
        sender_number=number,
        sent_at=sent_at,
        untimed_at=untimed_at,
        changed_at=None,
        keeps_number=keeps_number,
    )


def _joined(before: StateLeft | None, after: StateLeft) -> StateLeft:
    if before is None:
        return after
    return replace(
        after if after.state is not None else before,
        is_new=before.is_new,
        sender_number=before.sender_number if after.keeps_number else after.sender_number,
        keeps_number=before.keeps_number and after.keeps_number,
        sent_at=_latest(before.sent_at, after.sent_at),
        untimed_at=_latest(before.untimed_at, after.untimed_at),
    )


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)
