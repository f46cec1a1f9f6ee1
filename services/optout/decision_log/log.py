"""The decision log of one partition: what the pipeline needs of it, and how Postgres provides it.

`record_batch` is the one transaction of a batch of inbound events: the position moves, what is known is loaded, each
event is decided, and the entries and the new state are saved. So it is here that `decide` is called.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Protocol
from uuid import UUID

from services.optout.batch_search import Text, search_patterns, text_of
from services.optout.decide import DecidableEvent, Decision, decide
from services.optout.decision_log.alike import AlikeEntries
from services.optout.decision_log.entry import Entry, PartOfText, entry_of, stored_body
from services.optout.decision_log.erasures import (
    add_erasure_jobs,
    load_entry_counts,
    recorded_recipients,
    with_erased_counts,
)
from services.optout.decision_log.follow_ups import write_follow_ups
from services.optout.decision_log.load import (
    RecipientKey,
    load_decided_before,
    load_entries,
    load_last,
    load_recipients,
)
from services.optout.decision_log.merged import SuppressionKey, count_merged, load_merged, note_published
from services.optout.decision_log.parts import (
    count_joined,
    load_parts,
    recorded_label,
    shown_event,
    whole_event,
    wholes,
)
from services.optout.decision_log.position import (
    Position,
    check_position,
    expect_decided,
    move_position,
    read_position,
    save_position,
)
from services.optout.decision_log.removals import RemovalsBatch, record_removals
from services.optout.decision_log.repetitions import Identities, Identity, identify, kept_of_repetition
from services.optout.decision_log.stored_rules import AccountRules, StoredRules
from services.optout.decision_log.who_wrote import load_certainties
from services.optout.decision_log.write import EntryWithText, add_trail, write_decisions
from services.optout.parts import JoinedText, adds_to, joined_texts
from services.optout.recipient import Recipient
from services.optout.recipient_after import apply
from services.optout.removals import request_of
from services.optout.rules import RuleSet, SearchResult
from services.optout.writer_certainty import WriterCertainty, limited_by_certainty
from shared.events.inbound import MessageReceived
from shared.events.suppression import SuppressionChanged
from shared.failpoints import failpoint
from shared.postgres import Connection, Pool, connection_from


@dataclass(frozen=True, slots=True)
class EventAtOffset:
    """An event to decide, and its offset."""

    offset: int
    event: DecidableEvent


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of one partition's events from `expected` to before `next_offset`; other records lie between."""

    partition: int
    expected: int
    next_offset: int
    received: Sequence[EventAtOffset]


EntryOrAlike = Entry | AlikeEntries
"""An entry, or several that are alike and are published together."""


def one_by_one(batch: RemovalsBatch) -> Batch:
    """Return the batch as requests at the same offset."""
    received = [EventAtOffset(batch.offset, request_of(batch.event, phone)) for phone in batch.event.phones]
    return Batch(batch.partition, batch.expected, batch.next_offset, received)


class DecisionLog(Protocol):
    """A decision log. Positions only move forward, from where the caller knows them to be: of two writers one loses."""

    async def position(self) -> Position:
        """Return where the partition is."""

    async def entries(self, from_offset: int, to_offset: int) -> list[Entry]:
        """Return what was decided for the offsets from `from_offset` up to, not with, `to_offset`.

        Raises:
            PositionMovedError: not all of that is decided any more: the database was restored from a backup.
        """

    async def record(self, batch: Batch | RemovalsBatch) -> tuple[Sequence[EntryOrAlike], Position]:
        """Decide and record the batch, all or nothing; return the new entries and the new position.

        Raises:
            PositionMovedError: the position is not at the batch's `expected`.
        """

    async def move(self, expected: int, next_offset: int) -> Position:
        """Move the position over what needs no decision.

        Raises:
            PositionMovedError: the position is not at `expected`.
        """

    async def check(self, expected: int) -> None:
        """Raise `PositionMovedError` where the position is not at `expected`: a restored database's is not."""

    async def merged(self) -> tuple[list[SuppressionKey], Position]:
        """Return the keys whose states a merge of spellings has changed and that are not published, and the position.

        The position counts them.
        """

    async def states(self, keys: list[SuppressionKey]) -> list[SuppressionChanged]:
        """Return their states as they are now."""

    async def note_published(self, keys: list[SuppressionKey]) -> None:
        """Note that they are published."""


class PostgresDecisionLog:
    """The decision log in the database `optout`; all partitions of a process share the `rules` that it keeps."""

    def __init__(  # noqa: PLR0913, PLR0917 (what it works with)
        self,
        pool: Pool,
        rules: StoredRules,
        partition: int,
        partitions: int,
        window: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._pool = pool
        self._rules = rules
        self._partition = partition
        self._partitions = partitions
        self._window = window
        self._now = now

    async def position(self) -> Position:
        async with connection_from(self._pool) as connection:
            return await read_position(connection, self._partition)

    async def entries(self, from_offset: int, to_offset: int) -> list[Entry]:
        async with connection_from(self._pool) as connection:
            await expect_decided(connection, self._partition, to_offset)
            return await load_entries(connection, self._partition, from_offset, to_offset)

    async def record(self, batch: Batch | RemovalsBatch) -> tuple[Sequence[EntryOrAlike], Position]:
        async with connection_from(self._pool) as connection:
            if isinstance(batch, RemovalsBatch):
                recorded = await record_removals(connection, batch, self._now())
                if recorded is not None:
                    return recorded
                batch = one_by_one(batch)
            return await record_batch(connection, batch, self._rules, self._now(), self._window)

    async def move(self, expected: int, next_offset: int) -> Position:
        async with connection_from(self._pool) as connection:
            return await move_position(connection, self._partition, expected, next_offset)

    async def check(self, expected: int) -> None:
        async with connection_from(self._pool) as connection:
            await check_position(connection, self._partition, expected)

    async def merged(self) -> tuple[list[SuppressionKey], Position]:
        async with connection_from(self._pool) as connection:
            return await count_merged(connection, self._partition, self._partitions)

    async def states(self, keys: list[SuppressionKey]) -> list[SuppressionChanged]:
        async with connection_from(self._pool) as connection:
            return await load_merged(connection, keys)

    async def note_published(self, keys: list[SuppressionKey]) -> None:
        async with connection_from(self._pool) as connection:
            await note_published(connection, keys)


async def record_batch(
    connection: Connection, batch: Batch, stored_rules: StoredRules, now: datetime, window: timedelta
) -> tuple[list[Entry], Position]:
    """Decide and record the batch, all or nothing; return the new entries and the partition's new position.

    Raises:
        PositionMovedError: another process has recorded offsets of this batch.
    """
    events = [received.event for received in batch.received]
    accounts = await stored_rules.load(connection, (event.account_id for event in events))
    parts = await load_parts(connection, batch.partition, events, now)
    received = [(each.offset, each.event) for each in batch.received]
    joined = joined_texts(received, parts)
    found = await search_patterns([*events, *wholes(received, joined)], accounts)
    async with connection.transaction():
        position = await move_position(connection, batch.partition, batch.expected, batch.next_offset)
        failpoint("optout.after_position")
        decided_before = await load_decided_before(connection, events)
        recipients = await load_recipients(connection, events, now - window)
        certainties = await load_certainties(connection, events)
        last = await load_last(connection, batch.partition, recorded_recipients(events))
        counts = await load_entry_counts(connection, events)
        decided: Sequence[EntryWithText] = decide_batch(
            batch, decided_before, accounts, recipients, now, certainties, found, joined
        )
        decided = with_erased_counts(decided, events, counts)
        add_trail(decided, last, position.sequence)
        failpoint("optout.after_load")
        position = await write_decisions(connection, batch.partition, position, decided)
        await write_follow_ups(connection, decided)
        await add_erasure_jobs(connection, decided, events)
        await save_position(connection, batch.partition, position)
        failpoint("optout.before_record_commit")
    failpoint("optout.after_record_commit")
    count_joined(entry.part for entry, _ in decided)
    return [entry for entry, _ in decided], position


def decide_batch(  # noqa: PLR0913, PLR0917 (all that a decision depends on)
    batch: Batch,
    decided_before: Mapping[UUID, Identity],
    accounts: Mapping[str, AccountRules],
    recipients: Mapping[RecipientKey, Recipient],
    now: datetime,
    certainties: Mapping[UUID, WriterCertainty] = MappingProxyType({}),
    found: Mapping[Text, SearchResult] = MappingProxyType({}),
    joined: Mapping[int, JoinedText] = MappingProxyType({}),
) -> list[EntryWithText]:
    """Decide the batch's events in their order, each in the state that those before it left; pure.

    A repetition of what is decided already, in the log or earlier in the batch, is passed over: see `repetitions`.
    Who wrote is certain where `certainties`, by the id that the event came with, does not say otherwise.
    `found` is what was searched for beforehand, for accounts that have patterns; `joined` are the whole texts that
    parts complete, by offset.
    """
    identities, current = Identities(decided_before), dict(recipients)
    remaining = Counter((received.event.account_id, received.event.phone) for received in batch.received)
    decided: list[EntryWithText] = []
    for received in batch.received:
        key = received.event.account_id, received.event.phone
        remaining[key] -= 1
        identified = identify(received.event, received.offset, identities)
        if identified is None:
            continue
        event = identified.event
        decision, part = _decided(event, joined.get(received.offset), current[key], accounts[event.account_id], found)
        decision = limited_by_certainty(decision, certainties.get(received.event.event_id, "certain"))
        kept = kept_of_repetition(decision) if identified.may_be_repetition else decision
        if kept is None:
            continue
        identities.add(event)
        if remaining[key]:
            current[key] = apply(kept, event, current[key])
        came_as = received.event.event_id if event is not received.event else None
        written = shown_event(event, joined.get(received.offset))
        entry = entry_of(written, kept, batch.partition, received.offset, now, came_as, part)
        decided.append((entry, stored_body(written)))
    return decided


def _decided(
    event: DecidableEvent,
    joined: JoinedText | None,
    recipient: Recipient,
    account: AccountRules,
    found: Mapping[Text, SearchResult],
) -> tuple[Decision, PartOfText | None]:
    """Return the decision about an event, by the whole text that it completes where that adds something."""

    def decision_about(said: DecidableEvent) -> Decision:
        rules = _searched(account.rules, found.get(text_of(said)))
        return decide(said, recipient, rules, account.policies, account.confirmations)

    own = decision_about(event)
    if joined is None or not isinstance(event, MessageReceived):
        return own, recorded_label(event)
    whole = decision_about(whole_event(event, joined))
    is_whole = adds_to(whole, own)
    part = PartOfText(event.part or "", joined.event_ids, joined.start, joined.end, is_whole)
    return whole if is_whole else own, part


def _searched(rules: RuleSet, found: SearchResult | None) -> RuleSet:
    """Return the rules with what was searched for in the text of one reply, if anything was."""
    return rules.after_search(found) if found is not None else rules
