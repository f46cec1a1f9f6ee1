"""Loads the parts of texts that are recorded, and writes into an entry which part it is about."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from services.optout import metrics
from services.optout.decide import DecidableEvent
from services.optout.decision_log.entry import Entry, PartOfText, entry_adapter
from services.optout.decision_log.load import RecipientKey
from services.optout.parts import JOINED_WITHIN, JoinedText, ReceivedPart, TextKey, part_of, place_of
from shared.events.inbound import MessageReceived
from shared.postgres import Connection

_ENTRIES_CONSIDERED = 200
"""The newest of one recipient: there are few of one person in an hour."""

# Parts among a recipient's newest entries. None where an erasure was asked for meanwhile: it would not reach the text
# of an older part in the entry of a newer one.
_PARTS = """
SELECT asked.account_id, asked.phone, d.entry, d.body
FROM unnest($2::text[], $3::text[]) AS asked (account_id, phone)
CROSS JOIN LATERAL (
    SELECT entry, body, sequence, erasure_id, decided_at FROM decisions
    WHERE account_id = asked.account_id AND phone = asked.phone AND partition = $1
    ORDER BY sequence DESC LIMIT $4
) d
WHERE d.erasure_id IS NULL AND d.decided_at > $5 AND d.entry LIKE '%"part":{%'
    AND NOT EXISTS (
        SELECT FROM jobs WHERE account_id = asked.account_id AND kind = 'erasure' AND input ->> 'phone' = asked.phone
            AND created_at > $5
    )
ORDER BY d.sequence
"""


async def load_parts(
    connection: Connection, partition: int, events: Iterable[object], now: datetime
) -> Mapping[RecipientKey, Sequence[ReceivedPart]]:
    """Return the parts that were received lately of the recipients who wrote a part that is among `events`."""
    found: dict[RecipientKey, list[ReceivedPart]] = defaultdict(list)
    parts = [event for event in events if isinstance(event, MessageReceived) and part_of(event) is not None]
    keys = list(dict.fromkeys((event.account_id, event.phone) for event in parts))
    if keys:
        who = [key[0] for key in keys], [key[1] for key in keys]
        since = now - 2 * JOINED_WITHIN  # the limit itself goes by when they were received
        for account_id, phone, text, body in await connection.fetch(
            _PARTS, partition, *who, _ENTRIES_CONSIDERED, since
        ):
            if part := recorded_part(entry_adapter.validate_json(text), body):
                found[account_id, phone].append(part)
    return found


def recorded_part(entry: Entry, body: str) -> ReceivedPart | None:
    """Return the part that an entry is about; pure."""
    place = place_of(entry.part.label) if entry.part is not None else None
    if place is None or entry.part is None:
        return None
    number, total, reference = place
    ids = (entry.event_id,) if entry.came_as is None else (entry.event_id, entry.came_as)
    text = TextKey(entry.gateway, entry.sender_number, total, reference)
    return ReceivedPart(text, number, body, entry.received_at, ids, completed=bool(entry.part.joined))


def recorded_label(event: DecidableEvent) -> PartOfText | None:
    """Return what an entry says of a part that completes nothing, so that the next one finds it."""
    if not isinstance(event, MessageReceived) or event.part is None or place_of(event.part) is None:
        return None
    return PartOfText(event.part)


def count_joined(parts: Iterable[PartOfText | None]) -> None:
    """Count the texts that were joined."""
    for part in parts:
        if part is not None and part.joined:
            metrics.TEXTS_JOINED.labels("added" if part.is_decided_by_whole else "nothing").inc()


def whole_event(event: MessageReceived, joined: JoinedText) -> MessageReceived:
    """Return the event with the whole text: it is still a part, so that it opts nobody in and is not answered."""
    return event.model_copy(update={"body": joined.body})


def shown_event(event: DecidableEvent, joined: JoinedText | None) -> DecidableEvent:
    """Return the event as its entry shows it: with the whole text, where it completes one."""
    return whole_event(event, joined) if joined is not None and isinstance(event, MessageReceived) else event


def wholes(received: Iterable[tuple[int, DecidableEvent]], joined: Mapping[int, JoinedText]) -> list[DecidableEvent]:
    """Return the events that complete a text, with it."""
    return [shown_event(event, joined[offset]) for offset, event in received if offset in joined]
