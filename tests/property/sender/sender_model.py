"""A sender that can crash between any two writes, on a real ledger, with everything around it kept in memory.

`Outside` is what a crash cannot touch: what Kafka holds, what the carrier saw, whom nobody may message.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from settings_records import EPOCH, SettingsOfPartition

from services.sender.batch import BatchProcessor
from services.sender.calls import MessageCalls
from services.sender.carriers.carrier import Accepted, Blocked, CallResult, NotCalled, Refused, Throttled, Unknown
from services.sender.carriers.choose import Carriers
from services.sender.dispatch import Dispatcher
from services.sender.drop import Dropper
from services.sender.ledger.model import Row, key_of
from services.sender.ledger.owner import Owner
from services.sender.limits.limiter import Limiter
from services.sender.limits.number_limits import LimitBook, NumberLimit
from services.sender.links import WITHOUT_LINKS
from services.sender.receipts import ReceiptHandler
from services.sender.report import announced, outcome_event
from services.sender.sending import LimitedSending
from services.sender.settings import sender_database
from services.sender.sweeper import sweep
from services.sender.waiting.room import WaitingRoom
from services.sender.waiting.waker import Waker
from shared import failpoints
from shared.errors import TransientError
from shared.events.codec import decode
from shared.events.delivery import AnyDeliveryEvent, DeliveryReceiptReceived, MessageDispatching, delivery_event_adapter
from shared.events.inbound import CarrierBlocked
from shared.events.outbound import MessageRequested
from shared.events.suppression import FrequencyCap, suppression_event_adapter
from shared.postgres import Pool
from shared.producer import OutgoingRecord
from shared.suppressions.account_settings import DigestedAccountSettings, PartitionAccountSettings, SettingsByAccount
from shared.suppressions.fence_pass import FencePass, boottime
from shared.suppressions.lookup import CheckedSuppressions, Query, SuppressionHit

PARTITIONS = 6
LONGEST_CALL, AT_ONCE = timedelta(hours=1), timedelta(0)
PLACES = (
    "sender.before_fence",
    "sender.after_fence",
    "sender.after_reserved",
    "sender.after_claim",
    "sender.after_dispatching_event",
    "sender.after_carrier_call",
    "sender.after_blocks",
    "sender.after_settle",
    "sender.after_outcome_event",
    "sender.after_drop_rows",
    "sender.after_drop_events",
    "sender.after_waiting_rows",
    "sender.after_waiting_events",
    "sender.after_taken",
    "sender.after_woken",
)
LIMITS = LimitBook({}, {"only": {"toll_free": NumberLimit(per_day=1_000_000)}})
CAP = FrequencyCap(messages=100, hours=24)
"""Limits that nothing reaches: what counts for them is judged."""
ANSWERS: dict[str, CallResult] = {
    "accepted": Accepted("c-1"),
    "refused": Refused("422 no"),
    "blocked": Blocked("21610", "unsubscribed recipient"),
    "unknown": Unknown("timeout"),
    "throttled": Throttled("429", 0),
    "not called": NotCalled("refused connection"),
}


class Crash(BaseException):
    """The process ended here."""


@dataclass
class Outside:
    """What is there whatever happens to the process."""

    published: dict[str, list[AnyDeliveryEvent]] = field(default_factory=lambda: defaultdict(list))
    calls: Counter[str] = field(default_factory=Counter)
    answers: dict[str, CallResult] = field(default_factory=dict)
    suppressed: set[str] = field(default_factory=set)
    blocks: dict[str, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    next_answers: list[str] = field(default_factory=list)
    publishes_until_failure: int | None = None
    committed: set[str] = field(default_factory=set)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    crashes: int = 0
    twice_at_once: bool = False
    """Whether two processes ever had a message at once."""

    # Reporter
    async def announce(self, requests: Iterable[MessageRequested], decision_started_at: datetime) -> None:
        await self._publish([announced(each, decision_started_at, datetime.now(UTC)) for each in requests])

    async def publish(self, rows: Iterable[Row]) -> None:
        await self._publish([outcome_event(row) for row in rows])

    async def report_blocks(self, blocks: Iterable[CarrierBlocked]) -> None:
        await asyncio.sleep(0)
        self._fail_if_due()
        for block in blocks:
            assert block.message_id is not None
            self.blocks[block.message_id].add(block.event_id)

    async def _publish(self, records: list[OutgoingRecord]) -> None:
        await asyncio.sleep(0)
        self._fail_if_due()
        for record in records:
            event = decode(delivery_event_adapter, record.value)
            assert event.message_id is not None
            self.published[event.message_id].append(event)

    def _fail_if_due(self) -> None:
        if self.publishes_until_failure is not None:
            self.publishes_until_failure -= 1
            if self.publishes_until_failure < 0:
                self.publishes_until_failure = None
                raise TransientError("Kafka is away")

    # Carrier
    async def send(self, request: MessageRequested, write_by: float) -> CallResult:
        assert boottime() < write_by
        answer = ANSWERS[self.next_answers.pop() if self.next_answers else "accepted"]
        await asyncio.sleep(0)
        if not isinstance(answer, NotCalled | Throttled):
            self.calls[request.message_id] += 1
            self.answers[request.message_id] = answer
            announced = [e for e in self.published[request.message_id] if isinstance(e, MessageDispatching)]
            assert announced, "called before it was announced"
        return answer

    async def close(self) -> None: ...


@dataclass
class Fenced:
    """Fence and cache in one: whom nobody may message is known at once."""

    outside: Outside
    partitions: int = PARTITIONS

    async def wait(self, partitions: Iterable[int]) -> FencePass:
        started = FencePass(datetime.now(UTC), boottime(), dict.fromkeys(partitions, 0))
        await asyncio.sleep(0)
        return started

    async def verify_source(self, _: CheckedSuppressions) -> None:
        await asyncio.sleep(0)  # gives the other tasks their turn

    def check(self, fence_pass: FencePass, queries: Iterable[Query]) -> CheckedSuppressions:
        phones = {int(phone[1:]) for phone in self.outside.suppressed}
        hits = [
            SuppressionHit("account", "opted_out") if (key >> 1) & ((1 << 50) - 1) in phones else None
            for _, _, key in queries
        ]
        return CheckedSuppressions(fence_pass, hits)

    def account_settings(self, _: FencePass, account_ids: Iterable[str]) -> SettingsByAccount:
        return self.likely_account_settings(account_ids)

    def likely_account_settings(self, account_ids: Iterable[str]) -> SettingsByAccount:
        account_settings = PartitionAccountSettings()
        account_settings.prove(EPOCH, None)
        for each in account_ids:
            for key, value in SettingsOfPartition().account(each, [7], frequency_cap=CAP):
                account_settings.apply(DigestedAccountSettings(decode(suppression_event_adapter, value), len(key)))
        return {each: account_settings.of(each) for each in account_ids}


@dataclass
class SetClock:
    """The clock of all processes, which goes on when a test says so."""

    outside: Outside

    def now(self) -> datetime:
        return self.outside.now

    def note(self, _: datetime) -> None: ...


class Process:
    """One life of the sender."""

    def __init__(self, pool: Pool, url: str, outside: Outside) -> None:
        self.owner = Owner(sender_database(url))
        self._pool = pool
        self._outside: Any = outside
        fence_pass: Any = Fenced(outside)
        calls = MessageCalls(Carriers({"only": self._outside}, "only", {}), 200)
        dispatcher = Dispatcher(pool, self.owner, self._outside, calls)
        dropper = Dropper(pool, self.owner, self._outside)
        room = WaitingRoom(pool, self.owner, self._outside)
        limiter = Limiter(pool, LIMITS, lambda _: "only", WITHOUT_LINKS)
        sending = LimitedSending(limiter, dispatcher, dropper, room)
        self.processor = BatchProcessor(
            pool, fence_pass, fence_pass, self._outside, dropper, dispatcher, room, sending, SetClock(outside)
        )
        self._waker = Waker(pool, self.owner, self.processor.of_woken(), self._give_up, 1.0)

    def _give_up(self, error: BaseException) -> None:
        raise error

    async def deliver(self, requests: list[MessageRequested]) -> bool:
        """Process a batch as the handler does, trying once more after an outage; say whether it is done."""
        waiting = {key_of(request): request for request in requests}
        for _ in range(2):
            try:
                await self._with_sweeper(self.processor.process(waiting))
            except TransientError:
                continue
            self._outside.committed.update(request.message_id for request in requests)
            return True
        return False

    async def wake(self) -> None:
        """Have a batch of the messages that are due decided, as the waker does."""
        with suppress(TransientError):
            await self._with_sweeper(self._waker.wake_due())
            if self._waker._ahead is not None:  # what would be taken next, and where this may crash
                await asyncio.wait([self._waker._ahead])
                self._waker._ahead.result()

    async def _with_sweeper(self, work_to_do: Coroutine[Any, Any, object]) -> None:
        """Others sweep meanwhile: a message in the hands of a dead process would be awaited forever."""
        work = asyncio.ensure_future(work_to_do)
        while not work.done():
            await asyncio.wait([work], timeout=0.02)
            if not work.done():
                await self.sweep()
        work.result()

    async def sweep(self) -> None:
        try:
            await sweep(self._pool, self._outside, self.owner.number, LONGEST_CALL, AT_ONCE)
        except TransientError:
            return

    async def receive(self, request: MessageRequested) -> None:
        """Receive what the gateway says of a message that the carrier took."""
        receipt = DeliveryReceiptReceived(
            event_id=uuid4(),
            occurred_at=datetime.now(UTC),
            account_id=request.account_id,
            gateway="sandbox",
            carrier_message_id="c-1",
            message_id=request.message_id,
            status="delivered",
            gateway_status="Delivered",
        )
        await ReceiptHandler(self._pool, self._outside).handle([receipt])

    def end(self) -> None:
        self.owner.release()


@contextmanager
def crashing(monkeypatch: pytest.MonkeyPatch, place: str | None) -> Iterator[None]:
    """Make the first arrival at `place` the end of the process."""

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(failpoints.os, "kill", crash)
        patch.setattr(failpoints, "_armed", {place: (9, 1)} if place else {})
        patch.setattr(failpoints, "_hits", {})
        yield
