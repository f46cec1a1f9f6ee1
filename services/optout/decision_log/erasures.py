"""Erasures in the decision log: how many entries one erases, its job, and how erased entries are published again."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from services.optout.decide import DecidableEvent
from services.optout.decision_log.entry import Entry, recorded_phone
from services.optout.decision_log.load import RecipientKey
from services.optout.decision_log.write import EntryWithText
from shared.events.inbound import ErasureRequested
from shared.postgres import Connection

_COUNT = """
SELECT asked.account_id, asked.phone, (
    SELECT count(*) FROM decisions d WHERE d.account_id = asked.account_id AND d.phone = ANY(ARRAY(
        SELECT asked.phone UNION SELECT written FROM phone_spellings s
        WHERE s.account_id = asked.account_id AND s.canonical = asked.phone))
) FROM unnest($1::text[], $2::text[]) AS asked (account_id, phone)
"""

# Usually the API has added it, before it published the erasure; not so where a restored database reads it again.
_ADD_JOB = """
INSERT INTO jobs (job_id, account_id, kind, input, place)
SELECT $1, account_id, 'erasure', $3::jsonb, '{"is_decided": true}' FROM accounts WHERE account_id = $2
ON CONFLICT (job_id) DO NOTHING
"""


def recorded_recipients(events: Sequence[DecidableEvent]) -> list[RecipientKey]:
    """Return the recipients that entries about the events name: pure."""
    return list(dict.fromkeys((event.account_id, recorded_phone(event)) for event in events))


async def load_entry_counts(connection: Connection, events: Sequence[DecidableEvent]) -> dict[RecipientKey, int]:
    """Return how many entries there are about each recipient whom one of the events erases."""
    keys = list({(event.account_id, event.phone) for event in events if isinstance(event, ErasureRequested)})
    if not keys:
        return {}
    rows = await connection.fetch(_COUNT, [key[0] for key in keys], [key[1] for key in keys])
    return {(account_id, phone): count for account_id, phone, count in rows}


def with_erased_counts(
    decided: Sequence[EntryWithText], events: Sequence[DecidableEvent], counts: Mapping[RecipientKey, int]
) -> Sequence[EntryWithText]:
    """Return the entries, those about an erasure with the number of entries that it erases: pure.

    Args:
        decided: of a batch.
        events: of the same batch.
        counts: of the entries before the batch, as `load_entry_counts` returns them.
    """
    erasures = {event.event_id: event for event in events if isinstance(event, ErasureRequested)}
    if not erasures:
        return decided
    present = dict(counts)
    counted: list[EntryWithText] = []
    for entry, body in decided:
        erasure = erasures.get(entry.event_id) if entry.kind == "erased" else None
        if erasure is None:
            key = entry.account_id, entry.phone
            present[key] = present.get(key, 0) + 1
            counted.append((entry, body))
        else:
            counted.append((_with_count(entry, present.pop((entry.account_id, erasure.phone), 0)), body))
    return counted


def _with_count(entry: Entry, count: int) -> Entry:
    assert entry.request is not None  # noqa: S101 (it was requested)
    return replace(entry, request=replace(entry.request, erased_entries=count))


async def add_erasure_jobs(
    connection: Connection, decided: Sequence[EntryWithText], events: Sequence[DecidableEvent]
) -> None:
    """Add the job that erases for each erasure that is decided, unless there is one."""
    recorded = {entry.event_id for entry, _ in decided if entry.kind == "erased"}
    for event in events:
        if isinstance(event, ErasureRequested) and event.event_id in recorded:
            given = {"phone": event.phone, "pseudonym": event.pseudonym, "reason": event.reason, "by": event.by}
            await connection.execute(_ADD_JOB, event.event_id, event.account_id, json.dumps(given))


def with_phones(
    stored: Iterable[Entry], phones: Mapping[tuple[int, str], str], pseudonyms: Mapping[str, str]
) -> list[Entry]:
    """Return stored entries, erased ones with their phone.

    They are published again as they were: a record comes again where its entry may not have been published.

    Args:
        stored: the entries.
        phones: those that the records say, by their offset and the id of the event or of one request of many.
        pseudonyms: further ones, by what stands for them in the entries of the batch's erasures.
    """
    entries: list[Entry] = []
    for entry in stored:
        if not entry.is_erased:
            entries.append(entry)
            continue
        came_as = entry.offset, str(entry.came_as or entry.event_id)
        if phone := phones.get(came_as) or pseudonyms.get(entry.phone):
            entries.append(replace(entry, phone=phone))
    return entries
