"""Joins the parts of a long text that a gateway reports one by one, as soon as the last missing one is there: pure.

Nothing waits: each part is decided at once by itself. What the whole text says can only add to that: an opt-out, or
something that looks like one. A text that is not complete within the limits is never joined.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from services.optout.decide import DecidableEvent, Decision, Held, OptOut
from shared.events.base import storable
from shared.events.inbound import ErasureRequested, MessageReceived

JOINED_WITHIN = timedelta(hours=1)
"""Between the first part and the last one. The gateway's number for a text has 8 bits, and is used again."""
MAX_PARTS = 20
"""Of one text: 3,000 characters, or 1,300 in Unicode."""
MAX_PART_CHARACTERS = 400
"""Of one part: a text message has at most 160. What is longer is a whole text, whatever it says it is."""
_LABEL = re.compile(r"([0-9]{1,3})/([0-9]{1,3}) of ([0-9A-Za-z_.:-]{1,64})")


class TextKey(NamedTuple):
    """The text of one recipient that a part belongs to."""

    gateway: str
    sender_number: str | None
    total: int
    reference: str


class ReceivedPart(NamedTuple):
    """A part that was received: `event_ids` are its event's, as it came and as it is decided.

    `completed` says that its text was joined when it came: then nothing else belongs to that text.
    """

    text: TextKey
    number: int
    body: str
    received_at: datetime
    event_ids: tuple[UUID, ...]
    completed: bool = False


class JoinedText(NamedTuple):
    """A whole text. `event_ids` are its parts in their order; the last one that came is from `start` to `end`."""

    body: str
    event_ids: tuple[UUID, ...]
    start: int
    end: int


def place_of(label: str) -> tuple[int, int, str] | None:
    """Return number, total and reference of a part such as `2/3 of 173`; None where it cannot be one of a few."""
    found = _LABEL.fullmatch(label)
    if found is None:
        return None
    number, total = int(found[1]), int(found[2])
    return (number, total, found[3]) if 1 <= number <= total and 2 <= total <= MAX_PARTS else None  # noqa: PLR2004


def part_of(event: MessageReceived) -> ReceivedPart | None:
    """Return the part that a reply is; None where it is a whole text, or nobody can say which part it is."""
    place = place_of(event.part) if event.part is not None else None
    if place is None:
        return None
    body = storable(event.body)
    if len(body) > MAX_PART_CHARACTERS:
        return None
    number, total, reference = place
    text = TextKey(event.gateway, event.sender_number, total, reference)
    return ReceivedPart(text, number, body, event.occurred_at, (event.event_id,))


class PartsOfRecipient:
    """The parts of texts that one recipient has written, and that are not joined yet."""

    def __init__(self, received: Iterable[ReceivedPart] = ()) -> None:
        self._open: dict[TextKey, dict[int, ReceivedPart]] = {}
        self._seen: set[UUID] = set()
        for part in received:
            self._keep(part)

    def add(self, part: ReceivedPart) -> JoinedText | None:
        """Return the text that the part completes; None: another one is missing, or it is a repetition."""
        if self._seen.intersection(part.event_ids):
            return None
        self._keep(part)
        parts = self._open[part.text]
        in_time = [
            each for _, each in sorted(parts.items()) if abs(part.received_at - each.received_at) <= JOINED_WITHIN
        ]
        if len(in_time) < part.text.total:
            return None
        del self._open[part.text]
        body = "".join(each.body for each in in_time)
        start = sum(len(each.body) for each in in_time if each.number < part.number)
        return JoinedText(body, tuple(each.event_ids[0] for each in in_time), start, start + len(part.body))

    def _keep(self, part: ReceivedPart) -> None:
        self._seen.update(part.event_ids)
        if part.completed:
            self._open.pop(part.text, None)
        else:
            self._open.setdefault(part.text, {})[part.number] = part  # of two the newer: the number is used again


def joined_texts(
    received: Sequence[tuple[int, DecidableEvent]], before: Mapping[tuple[str, str], Iterable[ReceivedPart]]
) -> dict[int, JoinedText]:
    """Return the texts that the events of a batch complete, by the offset of their last part.

    Args:
        received: the events, with their offsets.
        before: the parts that were received earlier, by account and phone, in the order of the decision log.
    """
    recipients: dict[tuple[str, str], PartsOfRecipient] = {}
    found: dict[int, JoinedText] = {}
    for offset, event in received:
        key = event.account_id, event.phone
        if isinstance(event, ErasureRequested):
            recipients[key] = PartsOfRecipient()
        part = part_of(event) if isinstance(event, MessageReceived) else None
        if part is None:
            continue
        if key not in recipients:
            recipients[key] = PartsOfRecipient(before.get(key, ()))
        joined = recipients[key].add(part)
        if joined is not None:
            found[offset] = joined
    return found


def adds_to(whole: Decision, own: Decision) -> bool:
    """Say whether the decision about the whole text asks for more than that about the part that completes it."""
    match own, whole:
        case OptOut(), OptOut():
            return _scopes(own) < _scopes(whole)
        case Held(), OptOut():  # what only the part holds would be free again
            return _scopes(own) <= _scopes(whole)
        case _, OptOut():
            return True
        case ((OptOut() | Held()), Held()):
            return isinstance(own, Held) and _scopes(own) < _scopes(whole)
        case _:
            return isinstance(whole, Held)


def _scopes(decision: OptOut | Held) -> set[str]:
    raised = decision.raised if isinstance(decision, OptOut) else ()
    return {*decision.changed, *raised, *decision.asked_again}
