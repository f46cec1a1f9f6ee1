"""A record and a Kafka in memory, which can die before or after each write."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from services.optout.decision_log.alike import AlikeEntries, Recorded
from services.optout.decision_log.entry import STATES, Entry, entry_text, link
from services.optout.decision_log.log import Batch, EntryOrAlike, decide_batch, one_by_one
from services.optout.decision_log.merged import SuppressionKey
from services.optout.decision_log.position import Position, PositionMovedError
from services.optout.decision_log.removals import RemovalsBatch
from services.optout.decision_log.repetitions import identity_of_entry
from services.optout.decision_log.stored_rules import AccountRules
from services.optout.decision_log.write import add_trail
from services.optout.pipeline.publish import AccountSettingsMark, FencedError, Publication
from services.optout.recipient import Recipient, SentMessage, Suppression
from services.optout.rules import DEFAULT_RULES, RuleSet, VersionedRule
from shared.events.codec import decode
from shared.events.opt_out import AnyOptOutEvent, opt_out_event_adapter
from shared.events.suppression import (
    WATERMARK_KEY,
    AnySuppressionEvent,
    MarkersPassed,
    SuppressionChanged,
    SuppressionsChanged,
    suppression_event_adapter,
)
from shared.producer import OutgoingRecord
from shared.suppression_digest import MASK, key_digest

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
RULES = RuleSet([VersionedRule(0, 1, rule) for rule in DEFAULT_RULES])
WINDOW = timedelta(days=30)


class CrashError(Exception):
    """The process has died."""


class Crashes:
    """Dies at the place it is armed for, once."""

    def __init__(self) -> None:
        self.armed: str | None = None

    def at(self, place: str) -> None:
        if self.armed == place:
            self.armed = None
            raise CrashError(place)


class MemoryDecisionLog:
    """`services.optout.decision_log.log.DecisionLog` in dictionaries, of one partition."""

    def __init__(self, crashes: Crashes) -> None:
        self.at = Position(0, 0, 0, b"", 0, 0)
        self.stored: list[Entry] = []
        self.suppressions: dict[tuple[str, str], dict[str, Suppression]] = defaultdict(dict)
        self.sent: dict[tuple[str, str], list[SentMessage]] = defaultdict(list)
        self.now = NOON
        self._crashes = crashes

    async def position(self) -> Position:
        return self.at

    async def entries(self, from_offset: int, to_offset: int) -> list[Entry]:
        if self.at.next_offset < to_offset:
            raise PositionMovedError(str(to_offset))
        return [entry for entry in self.stored if from_offset <= entry.offset < to_offset]

    async def record(self, batch: Batch | RemovalsBatch) -> tuple[list[EntryOrAlike], Position]:
        if isinstance(batch, RemovalsBatch):
            return await self._record_removals(batch)
        return await self._record(batch)

    async def _record_removals(self, batch: RemovalsBatch) -> tuple[list[EntryOrAlike], Position]:
        """Record them one by one; what is new is published as the pipeline has it, together."""
        entries, at = await self._record(one_by_one(batch))
        alike: defaultdict[tuple[str, tuple[str, ...], tuple[str, ...]], list[Entry]] = defaultdict(list)
        for entry in entries:
            assert isinstance(entry, Entry)
            alike[entry.kind, entry.changed, entry.raised].append(entry)
        return [_together(each) for each in alike.values()], at

    async def _record(self, batch: Batch) -> tuple[list[EntryOrAlike], Position]:
        self._crashes.at("before the record")
        self._expect(batch.expected)
        keys = {(received.event.account_id, received.event.phone) for received in batch.received}
        decided = decide_batch(
            batch,
            {entry.event_id: identity_of_entry(entry) for entry in self.stored},
            defaultdict(lambda: AccountRules(RULES)),
            {key: self._recipient(key) for key in keys},
            self.now,
        )
        places = enumerate(self.stored, 1)
        last = {(entry.account_id, entry.phone): sequence for sequence, entry in places}
        add_trail(decided, last, self.at.sequence)
        self.at = replace(self.at, next_offset=batch.next_offset)
        for entry, _ in decided:
            self._append(entry)
        self._crashes.at("after the record")
        return [entry for entry, _ in decided], self.at

    async def move(self, expected: int, next_offset: int) -> Position:
        self._expect(expected)
        self.at = replace(self.at, next_offset=next_offset)
        return self.at

    async def check(self, expected: int) -> None:
        self._expect(expected)

    async def merged(self) -> tuple[list[SuppressionKey], Position]:
        return [], self.at

    async def states(self, keys: list[SuppressionKey]) -> list[SuppressionChanged]:
        assert not keys
        return []

    async def note_published(self, keys: list[SuppressionKey]) -> None:
        """Nothing was merged."""

    def _expect(self, expected: int) -> None:
        if self.at.next_offset != expected:
            raise PositionMovedError(str(expected))

    def _recipient(self, key: tuple[str, str]) -> Recipient:
        newest_first = sorted(self.sent[key], key=lambda message: message.dispatched_at, reverse=True)
        return Recipient(dict(self.suppressions[key]), newest_first, self.now - WINDOW)

    def _asked_again(self, was: Suppression, entry: Entry, scope: str) -> Suppression:
        times = zip((was.sent_at, was.untimed_at), entry.times, strict=True)
        sent_at, untimed_at = (max((t for t in pair if t), default=None) for pair in times)
        is_raised = scope in entry.raised
        return Suppression(
            scope,
            STATES[entry.kind] if is_raised else was.state,
            was.sender_number if entry.kind == "held" else entry.sender_number,
            sent_at,
            entry.cause_event_id if is_raised else was.cause_event_id,
            untimed_at,
            (entry.request.source if entry.request else None) if is_raised else was.source,
        )

    def _append(self, entry: Entry) -> None:
        self.stored.append(entry)
        key = entry.account_id, entry.phone
        for scope in entry.changed:
            self.suppressions[key][scope] = Suppression(
                scope,
                STATES[entry.kind],
                entry.sender_number,
                entry.times[0],
                entry.cause_event_id,
                entry.times[1],
                entry.request.source if entry.request and entry.kind == "opt_out" else None,
            )
        for scope in (*entry.raised, *entry.asked_again):
            self.suppressions[key][scope] = self._asked_again(self.suppressions[key][scope], entry, scope)
        suppressed = {
            (account_id, scope, phone)
            for (account_id, phone), scopes in self.suppressions.items()
            for scope, each in scopes.items()
            if each.state in ("opted_out", "held")
        }
        self.at = replace(
            self.at,
            sequence=self.at.sequence + 1,
            head_hash=link(self.at.head_hash, entry_text(entry)),
            suppressed_count=len(suppressed),
            digest=sum(key_digest(account, scope, int(phone[1:])) for account, scope, phone in suppressed) & MASK,
        )


def _together(entries: Sequence[Entry]) -> AlikeEntries:
    recorded = [
        Recorded(
            entry.phone,
            str(entry.event_id),
            str(entry.request.lifts) if entry.request and entry.request.lifts else None,
            entry.previous_sequence or 0,
        )
        for entry in entries
    ]
    return AlikeEntries(entries[0], "", recorded)


class MemoryKafka:
    """What the transactions of one partition have committed, and who may begin the next."""

    def __init__(self, crashes: Crashes) -> None:
        self.suppressions: list[tuple[bytes, AnySuppressionEvent]] = []
        self.opt_out_events: list[AnyOptOutEvent] = []
        self.committed: int | None = None
        self.epoch = 0
        self._crashes = crashes

    def producer(self) -> "MemoryPublisher":
        """Return a publisher that fences all before it."""
        self.epoch += 1
        return MemoryPublisher(self, self.epoch, self._crashes)


def states_of(event: AnySuppressionEvent) -> dict[tuple[str, str], str]:
    """Return what a record says of whom: of one phone, or of many."""
    match event:
        case SuppressionChanged():
            return {(event.phone, event.scope): event.state}
        case SuppressionsChanged():
            return {(each.phone, each.scope): each.state for each in event.singly()}
        case _:
            return {}


class MemoryPublisher:
    def __init__(self, kafka: MemoryKafka, epoch: int, crashes: Crashes) -> None:
        self._kafka = kafka
        self._epoch = epoch
        self._crashes = crashes

    async def publish(self, publication: Publication) -> None:
        self._crashes.at("before the transaction")
        if self._epoch != self._kafka.epoch:
            raise FencedError("fenced")
        self._kafka.suppressions += [
            (key, decode(suppression_event_adapter, value)) for key, value, _ in publication.suppressions()
        ]
        self._kafka.opt_out_events += [
            decode(opt_out_event_adapter, value) for _, value, _ in publication.opt_out_events()
        ]
        self._kafka.committed = publication.next_offset
        self._crashes.at("after the transaction")

    async def pass_markers(self, passed: MarkersPassed) -> None:
        """Nobody is fenced off: what a zombie publishes is there, and readers pass over it."""
        self._crashes.at("before the markers")
        self._kafka.suppressions.append((WATERMARK_KEY, passed))
        self._crashes.at("after the markers")


class NothingToCatchUp:
    async def catch_up(self) -> None:
        """What was sent is in the record at once."""


class NoAccounts:
    """The settings of a deployment without accounts, under an epoch that no other session has."""

    _epochs = count()

    def __init__(self) -> None:
        self.mark = AccountSettingsMark(f"{next(self._epochs):016x}", "0" * 16)

    async def all(self) -> AsyncIterator[Sequence[OutgoingRecord]]:
        for records in tuple[Sequence[OutgoingRecord], ...]():
            yield records

    async def changed(self) -> Sequence[OutgoingRecord]:
        return ()
