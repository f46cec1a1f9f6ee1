"""Which scopes a reply may be about, from what was sent to the person.

A reply that points at a message by our id is about that message's list, and nothing else. Any other is about lists that
sent to the person from the number that was answered; which of them depends on what was known when it was decided, so
the checker accepts any of those. The account is right only where nothing certainly was sent before the reply.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from harness.checker.history import History
from shared.events.delivery import MessageDispatching, MessageFailed, MessageSuppressed
from shared.events.inbound import MessageReceived

ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A message that was about to be sent, as announced before the carrier was called.

    `may_have_arrived` is false where it was dropped after all, or refused: nobody replies to such a one.
    """

    message_id: str
    scope: str
    sender_number: str
    created_at: datetime
    may_have_arrived: bool


@dataclass(frozen=True, slots=True)
class Attribution:
    """`pointed` is the scope of the message that the reply points at; `possible` is what it may be about."""

    pointed: str | None
    possible: frozenset[str]


Dispatches = dict[tuple[str, str], list[Dispatch]]


def dispatches_by_person(history: History) -> Dispatches:
    """Return the announced messages of each (account, phone)."""
    found: Dispatches = defaultdict(list)
    stopped = {
        (told.event.account_id, told.event.message_id)
        for told in history.told
        if isinstance(told.event, MessageSuppressed | MessageFailed)
    }
    for told in history.told:
        match told.event:
            case MessageDispatching() as event:
                found[event.account_id, event.phone].append(
                    Dispatch(
                        event.message_id,
                        f"list:{event.list_id}",
                        event.sender_number,
                        told.created_at,
                        (event.account_id, event.message_id) not in stopped,
                    )
                )
    return found


def attribute(
    event: MessageReceived, created_at: datetime, decided_by: datetime, dispatches: Sequence[Dispatch]
) -> Attribution:
    """Return what a reply may be about that was recorded at `created_at` and decided no later than `decided_by`."""
    pointed = next((d.scope for d in dispatches if d.message_id == event.replied_message_id), None)
    if pointed is not None:
        return Attribution(pointed, frozenset({pointed}))
    same_number = [d for d in dispatches if event.sender_number in (None, d.sender_number)]
    written_at = min(created_at, event.sent_at or created_at)
    certain = any(d.created_at <= written_at and d.may_have_arrived for d in same_number)
    possible = {d.scope for d in same_number if d.created_at <= decided_by}
    return Attribution(None, frozenset(possible if certain else possible | {ACCOUNT}))
