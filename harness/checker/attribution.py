"""The scopes that a reply may be about, from the messages that were sent to the phone.

A reply for which the gateway names one of our messages is about that message's list and nothing else. Any other is
about lists that sent to the phone from the number that was answered. Which of them the service chose depends on what it
knew when it decided, so the checker accepts any. The account is right only where no message certainly came first.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from harness.checker.history import DeliveryRecord, History
from shared.events.delivery import MessageDispatching, MessageFailed, MessageSuppressed
from shared.events.inbound import MessageReceived
from shared.scopes import ACCOUNT, list_scope

AccountPhone = tuple[str, str]
"""Account and phone."""


@dataclass(frozen=True, slots=True)
class AnnouncedMessage:
    """A message that the sender announced with a `message_dispatching` event, before it called the carrier.

    `may_have_arrived` is false if the message was dropped or refused after that: nobody can have replied to it.
    """

    message_id: str
    scope: str
    sender_number: str
    created_at: datetime
    may_have_arrived: bool


@dataclass(frozen=True, slots=True)
class PossibleScopes:
    """The scopes that a reply may be about; `pointed` is that of the message named by the gateway, if any.

    `sender_numbers` are those of the messages that it may answer.
    """

    pointed: str | None
    possible: frozenset[str]
    sender_numbers: frozenset[str] = frozenset()


AnnouncedMessages = dict[AccountPhone, list[AnnouncedMessage]]


def announced_messages(history: History) -> AnnouncedMessages:
    """Return the announced messages of each recipient."""
    stopped = {
        (record.event.account_id, record.event.message_id)
        for record in history.deliveries
        if isinstance(record.event, MessageSuppressed | MessageFailed)
    }
    found: AnnouncedMessages = defaultdict(list)
    for record in history.deliveries:
        if isinstance(record.event, MessageDispatching):
            found[record.event.account_id, record.event.phone].append(_announced(record, record.event, stopped))
    return found


def _announced(record: DeliveryRecord, event: MessageDispatching, stopped: set[tuple[str, str]]) -> AnnouncedMessage:
    return AnnouncedMessage(
        event.message_id,
        list_scope(event.list_id),
        event.sender_number,
        record.created_at,
        (event.account_id, event.message_id) not in stopped,
    )


def possible_scopes(
    event: MessageReceived, created_at: datetime, decided_by: datetime, messages: Sequence[AnnouncedMessage]
) -> PossibleScopes:
    """Return the scopes of a reply that was recorded at `created_at` and decided at `decided_by` or earlier."""
    pointed = next((m for m in messages if m.message_id == event.replied_message_id), None)
    if pointed is not None:
        return PossibleScopes(pointed.scope, frozenset({pointed.scope}), frozenset({pointed.sender_number}))
    same_number = [m for m in messages if event.sender_number in (None, m.sender_number)]
    known = [m for m in same_number if m.created_at <= decided_by]
    lists, numbers = frozenset(m.scope for m in known), frozenset(m.sender_number for m in known)
    written_at = min(created_at, event.sent_at or created_at)
    if any(_came_before(written_at, message) for message in same_number):
        return PossibleScopes(None, lists, numbers)
    return PossibleScopes(None, lists | {ACCOUNT}, numbers)


def _came_before(written_at: datetime, message: AnnouncedMessage) -> bool:
    return message.may_have_arrived and message.created_at <= written_at
