"""Loads the parts of texts that are recorded, and writes into an entry which part it is about."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from services.optout import metrics
from services.optout.decide import DecidableEvent
from services.optout.decision_log.entry import Entry, PartOfText, entry_adapter
from services.optout.decision_log.load import RecipientKey
from services.optout.parts import (
    JOINED_WITHIN,
    MAX_PART_CHARACTERS,
    MAX_PARTS,
    JoinedText,
    ReceivedPart,
    TextKey,
    part_of,
    place_of,
)
from shared.events.inbound import MessageReceived
from shared.postgres import Connection

_ENTRIES_CONSIDERED = 2 * MAX_PARTS
"""The newest of one recipient: there are few of one person in an hour. It bounds what parts cost."""

# Parts of the texts that are asked about, among a recipient's newest entries; of a whole text only that it was joined.
_PARTS = """
SELECT asked.account_id, asked.phone, d.entry, left(d.body, $6) AS body
FROM unnest($2::text[], $3::text[], $4::text[]) AS asked (account_id, phone, text)
CROSS JOIN LATERAL (
    SELECT entry, body, sequence, erasure_id, decided_at FROM decisions
    WHERE account_id = asked.account_id AND phone = asked.phone AND partition = $1
    ORDER BY sequence DESC LIMIT $5
) d
WHERE d.erasure_id IS NULL AND d.decided_at > $7 AND strpos(d.entry, asked.text) > 0
ORDER BY d.sequence
"""

# An erasure that is asked for erases what was decided before it: not the text of an older part in the entry of a newer
# one. A job that has ended names no phone; one that cannot end is rare, and its recipient's parts are not joined.
_ERASED = """
SELECT account_id, input ->> 'phone' FROM jobs
WHERE kind = 'erasure' AND account_id = ANY($1::text[]) AND input ->> 'phone' = ANY($2::text[])
    AND (created_at > $3 OR state IN ('waiting', 'running'))
"""


async def load_parts(
    connection: Connection, partition: int, events: Iterable[object], now: datetime
) -> Mapping[RecipientKey, Sequence[ReceivedPart]]:
    """Return the parts that were received lately of the texts that a part among `events` belongs to, by recipient."""
    found: dict[RecipientKey, list[ReceivedPart]] = defaultdict(list)
    asked = await _without_erased(connection, _asked(events), since := now - 2 * JOINED_WITHIN)
    if asked:
        columns = [each[0][0] for each in asked], [each[0][1] for each in asked], [each[1] for each in asked]
        limits = _ENTRIES_CONSIDERED, MAX_PART_CHARACTERS, since  # the limit itself goes by when they were received
        for account_id, phone, entry, body in await connection.fetch(_PARTS, partition, *columns, *limits):
            if part := recorded_part(entry_adapter.validate_json(entry), body):
                found[account_id, phone].append(part)
    return found


def _asked(events: Iterable[object]) -> list[tuple[RecipientKey, str]]:
    """Return the texts that parts among the events belong to: the recipient, and how the label of each part ends."""
    parts = ((event, part_of(event)) for event in events if isinstance(event, MessageReceived))
    texts = (
        ((event.account_id, event.phone), f'/{part.text.total} of {part.text.reference}"')
        for event, part in parts
        if part is not None
    )
    return list(dict.fromkeys(texts))


async def _without_erased(
    connection: Connection, asked: list[tuple[RecipientKey, str]], since: datetime
) -> list[tuple[RecipientKey, str]]:
    """Return the texts of recipients for whom no erasure was asked lately, or is under way."""
    if not asked:
        return []
    accounts, phones = zip(*{key for key, _ in asked}, strict=True)
    erased = {(row[0], row[1]) for row in await connection.fetch(_ERASED, accounts, phones, since)}
    return [each for each in asked if each[0] not in erased]


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
    if not isinstance(event, MessageReceived) or event.part is None or part_of(event) is None:
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
