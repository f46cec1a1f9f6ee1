"""The one Postgres transaction that a batch of inbound messages is: position, state, decisions, new state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from services.optout.decide import DecidableEvent, apply, decide
from services.optout.matching import Text, search, text_of
from services.optout.person import Person
from services.optout.record.certainty import load_certainties
from services.optout.record.entry import Entry, entry_of, stored_body
from services.optout.record.follow_ups import write_follow_ups
from services.optout.record.load import PersonKey, load_known, load_persons
from services.optout.record.position import Position, move_position, save_head
from services.optout.record.repetitions import (
    Seen,
    asks_for_more,
    may_be_said_again,
    said_again,
    seen_of,
    under_its_own_id,
)
from services.optout.record.stored_rules import StoredRules
from services.optout.record.write import DecidedEntry, write_decisions
from services.optout.rules import RuleSet, SearchResult
from services.optout.which_number import WriterCertainty, as_far_as_certain
from shared.failpoints import failpoint
from shared.postgres import Connection


@dataclass(frozen=True, slots=True)
class UndecidedEvent:
    """An event to decide, and its offset."""

    offset: int
    event: DecidableEvent


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of one partition's messages from `expected` to before `next_offset`; other records lie between."""

    partition: int
    expected: int
    next_offset: int
    received: Sequence[UndecidedEvent]


async def record_batch(
    connection: Connection, batch: Batch, stored_rules: StoredRules, now: datetime, window: timedelta
) -> tuple[list[Entry], Position]:
    """Decide and record the batch, all or nothing; return the new entries and the partition's new head.

    Raises:
        PositionMovedError: another process has recorded offsets of this batch.
    """
    events = [received.event for received in batch.received]
    accounts = await stored_rules.load(connection, (event.account_id for event in events))
    found = await search(events, accounts)
    rules = {account_id: each.rules for account_id, each in accounts.items()}
    async with connection.transaction():
        head = await move_position(connection, batch.partition, batch.expected, batch.next_offset)
        failpoint("optout.after_position")
        known = await load_known(connection, events)
        persons = await load_persons(connection, events, now - window)
        certainties = await load_certainties(connection, events)
        decided = decide_batch(batch, known, rules, persons, now, certainties, found)
        failpoint("optout.after_load")
        head = await write_decisions(connection, batch.partition, head, decided)
        await write_follow_ups(connection, decided)
        await save_head(connection, batch.partition, head)
        failpoint("optout.before_record_commit")
    failpoint("optout.after_record_commit")
    return [entry for entry, _ in decided], head


def decide_batch(  # noqa: PLR0913, PLR0917 (all that a decision depends on)
    batch: Batch,
    known: Mapping[UUID, Seen],
    rules: Mapping[str, RuleSet],
    persons: Mapping[PersonKey, Person],
    now: datetime,
    certainties: Mapping[UUID, WriterCertainty] = MappingProxyType({}),
    found: Mapping[Text, SearchResult] = MappingProxyType({}),
) -> list[DecidedEntry]:
    """Decide the batch's messages in their order, each in the state that those before it left; pure.

    A repetition of what is decided already, in the record or earlier in the batch, is passed over: see `repetitions`.
    Who wrote is certain where `certainties`, by the id that the event came with, does not say otherwise.
    `found` is what was searched for beforehand, for accounts that have patterns.
    """
    done, people = dict(known), dict(persons)
    decided: list[DecidedEntry] = []
    for received in batch.received:
        event, seen = received.event, done.get(received.event.event_id)
        if seen is not None and not seen.is_same_message(seen_of(event)):
            event = under_its_own_id(event)
            seen = done.get(event.event_id)
        if seen is not None and not may_be_said_again(event, seen):
            continue
        key = event.account_id, event.phone
        ready = rules[event.account_id]
        searched = found.get(text_of(event))
        decision = decide(event, people[key], ready.after_search(searched) if searched else ready)
        decision = as_far_as_certain(decision, certainties.get(received.event.event_id, "certain"))
        if seen is not None:
            if not asks_for_more(decision):
                continue
            event = said_again(event, received.offset)
        done[event.event_id] = seen_of(event)
        people[key] = apply(decision, event, people[key])
        came_as = received.event.event_id if event is not received.event else None
        entry = entry_of(event, decision, batch.partition, received.offset, now, came_as)
        decided.append((entry, stored_body(event)))
    return decided
