"""Which messages of a batch may leave now, by the limits of their numbers and their recipients; no I/O.

| the message's recipient   | its sender number            | the message                                          |
|---------------------------|------------------------------|------------------------------------------------------|
| has had enough            | any                          | waits until there may be one more, or is rejected    |
| may get one more          | has had its day's messages   | waits until the next day                             |
| may get one more          | has no token, or others wait | waits for its turn                                   |
| may get one more          | has a token                  | may leave, and counts for both                       |

A message that counts already, because its sender died after it had counted it, does not count against itself.
The confirmation of an opt-out does not count for its recipient, and waits for no number, which it counts for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from services.sender.ledger.model import MessageKey, key_of
from services.sender.limits.frequency import FREQUENCY, kept, new_time, next_at, remembered
from services.sender.limits.number_limits import LimitName, NumberLimit
from services.sender.limits.number_use import NumberTurn, NumberUse, charge, take_turn
from services.sender.limits.rows import CountedRecipient, RecipientUse
from shared.events.outbound import MessageRequested
from shared.events.suppression import FrequencyCap


class Limited(NamedTuple):
    """A message, and the limits that it is under: of its number, which takes it for `cost`, and of its recipient."""

    request: MessageRequested
    limit: tuple[LimitName, NumberLimit] | None = None
    cost: int = 1
    recipient: tuple[CountedRecipient, FrequencyCap] | None = None


@dataclass(slots=True)
class Reservation:
    """A note of what was counted for messages that may leave: those that were not called after all are given back."""

    of_numbers: dict[MessageKey, tuple[LimitName, date, int]] = field(default_factory=dict)
    of_recipients: dict[MessageKey, tuple[CountedRecipient, datetime]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.of_numbers or self.of_recipients)


@dataclass(slots=True)
class Allotment:
    """The messages of a batch by what becomes of them, and what is to be saved about limits and recipients."""

    uses: dict[LimitName, NumberUse]
    times: dict[CountedRecipient, list[datetime]]
    allowed: list[MessageRequested] = field(default_factory=list)
    held: list[tuple[MessageRequested, NumberTurn]] = field(default_factory=list)
    refused: list[tuple[MessageRequested, str]] = field(default_factory=list)
    message_times: dict[CountedRecipient, dict[str, datetime]] = field(default_factory=dict)
    changed: dict[CountedRecipient, RecipientUse] = field(default_factory=dict)
    reservation: Reservation = field(default_factory=Reservation)

    def add(self, other: "Allotment") -> None:
        """Add what becomes of other messages, which was saved for itself."""
        self.allowed += other.allowed
        self.held += other.held
        self.refused += other.refused
        self.reservation.of_numbers |= other.reservation.of_numbers
        self.reservation.of_recipients |= other.reservation.of_recipients


def allot(
    messages: Sequence[Limited],
    uses: Mapping[LimitName, NumberUse],
    recipients: Mapping[CountedRecipient, RecipientUse],
    now: datetime,
    *,
    woken: bool,
) -> Allotment:
    """Return what becomes of each message: the first line of the module's table that fits counts.

    Args:
        messages: the messages, in the order in which they take their turns.
        uses: of all their limits.
        recipients: when all their recipients were messaged.
        now: the time.
        woken: whether these messages have waited, for whatever.
    """
    times = {key: list(use.times) for key, use in recipients.items()}
    message_times = {key: dict(use.message_times) for key, use in recipients.items()}
    allotment = Allotment(dict(uses), times, message_times=message_times)
    for message in messages:
        if not _is_kept_from_recipient(message, allotment, now) and not _waits_for_number(
            message, allotment, now, woken=woken
        ):
            _count_for_recipient(message, allotment, now)
            allotment.allowed.append(message.request)
    return allotment


def _is_kept_from_recipient(message: Limited, allotment: Allotment, now: datetime) -> bool:
    if message.recipient is None:
        return False
    key, cap = message.recipient
    allotment.times[key] = kept(allotment.times[key], cap, now)
    own = allotment.message_times[key].get(message.request.message_id)
    at = next_at([each for each in allotment.times[key] if each != own], cap)
    if at is None:
        return False
    if cap.policy == "wait":
        allotment.held.append((message.request, NumberTurn(at, FREQUENCY)))
    else:
        whose = "from this list" if cap.per_list else "from this account"
        allotment.refused.append(
            (message.request, f"the recipient has had {cap.messages} messages {whose} within {cap.hours} hours")
        )
    return True


def _waits_for_number(message: Limited, allotment: Allotment, now: datetime, *, woken: bool) -> bool:
    if message.limit is None:
        return False
    name, limit = message.limit
    if message.request.confirms_opt_out is not None:  # it leaves within minutes or never, and there is one of it
        use = allotment.uses[name] = charge(allotment.uses[name], limit, message.cost, now)
        allotment.reservation.of_numbers[key_of(message.request)] = name, use.day, message.cost
        return False
    use, turn = take_turn(allotment.uses[name], limit, message.cost, now, woken=woken)
    allotment.uses[name] = use
    if turn.until is not None:
        allotment.held.append((message.request, turn))
        return True
    allotment.reservation.of_numbers[key_of(message.request)] = name, use.day, message.cost
    return False


def _count_for_recipient(message: Limited, allotment: Allotment, now: datetime) -> None:
    """Count a message: one that counts already, because its sender died then, from now on, and not a second time.

    Nor is it given back: another process may have called for it.
    """
    if message.recipient is None:
        return
    key, cap = message.recipient
    times, message_times = allotment.times[key], allotment.message_times[key]
    counts_already = (own := message_times.get(message.request.message_id)) in times
    if own is not None and counts_already:
        times.remove(own)
    at = new_time(times, now)
    times.append(at)
    message_times[message.request.message_id] = at
    allotment.changed[key] = RecipientUse(times, remembered(message_times, times, now), at + timedelta(hours=cap.hours))
    if not counts_already:
        allotment.reservation.of_recipients[key_of(message.request)] = key, at
