"""The one Postgres transaction that a batch of inbound messages is: position, state, decisions, new state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from services.optout.batch_search import Text, search, text_of
from services.optout.decide import DecidableEvent, apply, decide
from services.optout.decision_log.certainty import load_certainties
from services.optout.decision_log.entry import Entry, entry_of, stored_body
from services.optout.decision_log.follow_ups import write_follow_ups
from services.optout.decision_log.load import RecipientKey, load_known, load_recipients
from services.optout.decision_log.position import Position, move_position, save_position
from services.optout.decision_log.repetitions import Identity, identify, identity_of, is_new_opt_out
from services.optout.decision_log.stored_rules import StoredRules
from services.optout.decision_log.trail import load_last, with_trail
from services.optout.decision_log.write import DecidedEntry, write_decisions
from services.optout.recipient import Recipient
from services.optout.rules import RuleSet, SearchResult
from services.optout.which_number import WriterCertainty, limited_by_certainty
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
    """Decide and record the batch, all or nothing; return the new entries and the partition's new position.

    Raises:
        PositionMovedError: another process has recorded offsets of this batch.
    """
    events = [received.event for received in batch.received]
    accounts = await stored_rules.load(connection, (event.account_id for event in events))
    found = await search(events, accounts)
    rules = {account_id: each.rules for account_id, each in accounts.items()}
    async with connection.transaction():
        position = await move_position(connection, batch.partition, batch.expected, batch.next_offset)
        failpoint("optout.after_position")
        known = await load_known(connection, events)
        recipients = await load_recipients(connection, events, now - window)
        certainties = await load_certainties(connection, events)
        last = await load_last(connection, batch.partition, list(recipients))
        decided = decide_batch(batch, known, rules, recipients, now, certainties, found)
        decided = with_trail(decided, last, position.sequence)
        failpoint("optout.after_load")
        position = await write_decisions(connection, batch.partition, position, decided)
        await write_follow_ups(connection, decided)
        await save_position(connection, batch.partition, position)
        failpoint("optout.before_record_commit")
    failpoint("optout.after_record_commit")
    return [entry for entry, _ in decided], position


def decide_batch(  # noqa: PLR0913, PLR0917 (all that a decision depends on)
    batch: Batch,
    known: Mapping[UUID, Identity],
    rules: Mapping[str, RuleSet],
    recipients: Mapping[RecipientKey, Recipient],
    now: datetime,
    certainties: Mapping[UUID, WriterCertainty] = MappingProxyType({}),
    found: Mapping[Text, SearchResult] = MappingProxyType({}),
) -> list[DecidedEntry]:
    """Decide the batch's messages in their order, each in the state that those before it left; pure.

    A repetition of what is decided already, in the record or earlier in the batch, is passed over: see `repetitions`.
    Who wrote is certain where `certainties`, by the id that the event came with, does not say otherwise.
    `found` is what was searched for beforehand, for accounts that have patterns.
    """
    identities, current = dict(known), dict(recipients)
    decided: list[DecidedEntry] = []
    for received in batch.received:
        identified = identify(received.event, received.offset, identities)
        if identified is None:
            continue
        event = identified.event
        key = event.account_id, event.phone
        decision = decide(event, current[key], _rules_of(event, rules, found))
        decision = limited_by_certainty(decision, certainties.get(received.event.event_id, "certain"))
        if identified.may_be_repetition and not is_new_opt_out(decision):
            continue
        identities[event.event_id] = identity_of(event)
        current[key] = apply(decision, event, current[key])
        came_as = received.event.event_id if event is not received.event else None
        entry = entry_of(event, decision, batch.partition, received.offset, now, came_as)
        decided.append((entry, stored_body(event)))
    return decided


def _rules_of(event: DecidableEvent, rules: Mapping[str, RuleSet], found: Mapping[Text, SearchResult]) -> RuleSet:
    """Return the rules of the event's account, with what was searched for in its text."""
    searched = found.get(text_of(event))
    of_account = rules[event.account_id]
    return of_account.after_search(searched) if searched is not None else of_account
