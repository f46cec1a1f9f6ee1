"""The one Postgres transaction that a batch of inbound messages is: position, state, decisions, new state."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from services.optout.decide import Asked, apply, decide
from services.optout.person import Person
from services.optout.record.certainty import load_certainties
from services.optout.record.connection import Connection
from services.optout.record.entry import Entry, entry_of, stored_body
from services.optout.record.follow_ups import write_follow_ups
from services.optout.record.load import PersonKey, load_known, load_persons, load_rules
from services.optout.record.position import Position, move_position, save_head
from services.optout.record.write import Decided, write_decisions
from services.optout.rules import RuleSet
from services.optout.which_number import Certainty, as_far_as_certain
from shared.failpoints import reach


@dataclass(frozen=True, slots=True)
class Received:
    """What is to be decided and the offset at which it stood."""

    offset: int
    event: Asked


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages of one partition from `expected` up to, not with, `next_offset`; other records lie between."""

    partition: int
    expected: int
    next_offset: int
    received: Sequence[Received]


async def record_batch(
    connection: Connection, batch: Batch, now: datetime, window: timedelta
) -> tuple[list[Entry], Position]:
    """Decide and record the batch, all or nothing; return the new entries and the partition's new head.

    Raises:
        PositionMovedError: another process has recorded offsets of this batch.
    """
    async with connection.transaction():
        head = await move_position(connection, batch.partition, batch.expected, batch.next_offset)
        reach("optout.after_position")
        decided = await _decide_all(connection, batch, now, window)
        reach("optout.after_load")
        head = await write_decisions(connection, batch.partition, head, decided)
        await write_follow_ups(connection, decided)
        await save_head(connection, batch.partition, head)
        reach("optout.before_record_commit")
    reach("optout.after_record_commit")
    return [entry for entry, _ in decided], head


async def _decide_all(connection: Connection, batch: Batch, now: datetime, window: timedelta) -> list[Decided]:
    events = [received.event for received in batch.received]
    known = await load_known(connection, events)
    rules = await load_rules(connection, (event.account_id for event in events))
    persons = await load_persons(connection, events, now - window)
    certainties = await load_certainties(connection, events)
    return decide_batch(batch, known, rules, persons, now, certainties)


def decide_batch(  # noqa: PLR0913, PLR0917 (all that a decision depends on)
    batch: Batch,
    known: AbstractSet[UUID],
    rules: Mapping[str, RuleSet],
    persons: Mapping[PersonKey, Person],
    now: datetime,
    certainties: Mapping[UUID, Certainty] = MappingProxyType({}),
) -> list[Decided]:
    """Decide the batch's messages in their order, each in the state that those before it left; pure.

    An event that is decided already, in the record or earlier in the batch, is passed over. Who wrote is certain where
    `certainties` does not say otherwise.
    """
    done, people = set(known), dict(persons)
    decided: list[Decided] = []
    for received in batch.received:
        event = received.event
        if event.event_id not in done:
            done.add(event.event_id)
            key = event.account_id, event.phone
            decision = decide(event, people[key], rules[event.account_id])
            decision = as_far_as_certain(decision, certainties.get(event.event_id, "certain"))
            people[key] = apply(decision, event, people[key])
            entry = entry_of(event, decision, batch.partition, received.offset, now)
            decided.append((entry, stored_body(event)))
    return decided
