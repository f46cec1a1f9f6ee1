"""Finds the lists whose message a reply answers (G5): the right ones and no other.

In this order: the gateway's own pointer; the last message from the number that was answered; every list that may have
sent it; the account, also where more messages are possible than are loaded. A message that the carrier refused was
never read, so nobody answers it; one whose outcome is unknown may have been read, so its list is possible beside the
one of the last message that certainly arrived.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.optout.recipient import Recipient, SentMessage
from shared.events.inbound import MessageReceived
from shared.events.opt_out import AttributionMethod

MAX_CONSIDERED = 200
"""Messages from a number that are loaded for a reply: the newest before it, and the newest after it."""
CLOCK_SLACK = timedelta(seconds=5)
"""Gateways give times in whole seconds, by clocks of their own."""
_LAST_MOMENT = datetime.max.replace(tzinfo=UTC) - CLOCK_SLACK


@dataclass(frozen=True, slots=True)
class Attribution:
    """The lists and the message that a reply answers; an empty `list_ids` (none is known) means the account."""

    method: AttributionMethod
    list_ids: tuple[int, ...] = ()
    message_id: str | None = None

    @property
    def is_pointed_at(self) -> bool:
        """Whether the gateway itself named the message that is answered."""
        return self.method == "replied_message"


def attribute(event: MessageReceived, recipient: Recipient) -> Attribution:
    """Return the lists that `event`, written by `recipient`, answers."""
    pointed = _pointed_at(event, recipient.sent)
    if pointed is not None:
        return Attribution("replied_message", (pointed.list_id,), pointed.message_id)
    answerable = [message for message in recipient.sent if is_answerable(message, event, recipient.window_starts_at)]
    if not answerable:
        return Attribution("account")
    possible = _possible(event, answerable)
    if possible is None:
        return Attribution("account")
    lists = _distinct(message.list_id for message in possible)
    if len(lists) == 1:
        return Attribution("last_message", lists, possible[0].message_id)
    return Attribution("possible_lists", lists)


def answered_numbers(event: MessageReceived, attribution: Attribution, recipient: Recipient) -> tuple[str, ...]:
    """Return the sender numbers of the messages that `event` answers, and the one that it was written to."""
    answered = (
        message.sender_number
        for message in recipient.sent
        if message.message_id == attribution.message_id
        or (
            not attribution.is_pointed_at
            and message.list_id in attribution.list_ids
            and is_answerable(message, event, recipient.window_starts_at)
        )
    )
    return tuple(dict.fromkeys(number for number in (event.sender_number, *answered) if number is not None))


def is_answerable(message: SentMessage, event: MessageReceived, window_starts_at: datetime) -> bool:
    """Say whether `event` may answer `message` at all."""
    return (
        message.outcome != "failed"
        and message.dispatched_at >= window_starts_at
        and event.sender_number in (None, message.sender_number)
    )


def _pointed_at(event: MessageReceived, sent: Sequence[SentMessage]) -> SentMessage | None:
    for message in sent:
        if event.replied_message_id is not None and message.message_id == event.replied_message_id:
            return message
    for message in sent:
        if event.replied_carrier_message_id is not None and (
            message.carrier_message_id == event.replied_carrier_message_id
        ):
            return message
    return None


def latest_written(event: MessageReceived) -> datetime:
    """Return the latest moment by our clocks at which the reply may have been written."""
    moment = event.sent_at or event.listed_sent_at or event.occurred_at
    return moment + CLOCK_SLACK if moment < _LAST_MOMENT else moment


def _possible(event: MessageReceived, answerable: Sequence[SentMessage]) -> Sequence[SentMessage] | None:
    """Return which of the messages `event` may answer; None where older ones that are not loaded are possible, too."""
    before = [message for message in answerable if message.dispatched_at <= latest_written(event)]
    if not before or event.sender_number is None:
        return answerable if len(answerable) < MAX_CONSIDERED else None
    possible = _last_certain(before)
    is_certain = possible[-1].outcome == "sent"
    return possible if is_certain or len(possible) < MAX_CONSIDERED else None


def _last_certain(newest_first: Sequence[SentMessage]) -> list[SentMessage]:
    """Return the newest messages down to, and with, the first that the carrier certainly took."""
    possible: list[SentMessage] = []
    for message in newest_first:
        possible.append(message)
        if message.outcome == "sent":
            break
    return possible


def _distinct(list_ids: Iterable[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(list_ids))
