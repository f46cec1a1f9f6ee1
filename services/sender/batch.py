"""A batch of requested messages, until each of them has an outcome, or waits for its time: durable and published."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import repeat

from services.sender import metrics
from services.sender.confirm import confirming, let_pass, scope_queries
from services.sender.decide import Decision, decide, queries_of
from services.sender.dispatch import Dispatcher
from services.sender.drop import Dropper
from services.sender.gate import Judged, accounts_of, gate_settings_of, judge_all, partitions_of_accounts
from services.sender.ledger.model import MessageKey, key_of, rejected_detail, suppressed_detail
from services.sender.ledger.rows import NewRow, find
from services.sender.report import Reporter
from services.sender.sending import LimitedSending, Permission
from services.sender.timing import DepartureRule, Untimely, Verdict, with_timing
from services.sender.traces import MESSAGE_TRACES, traced_drops
from services.sender.waiting.clock import DepartureClock
from services.sender.waiting.room import WaitingRoom
from shared import tracing
from shared.errors import TransientError
from shared.events.outbound import MessageRequested
from shared.failpoints import failpoint
from shared.gate import GateSettings, Offered, offered_by
from shared.postgres import Pool, connection_from
from shared.suppressions.account_settings import SettingsByAccount
from shared.suppressions.fence import Fence
from shared.suppressions.fence_pass import boottime
from shared.suppressions.follow import CacheFollower
from shared.suppressions.lookup import partitions_in

OpenRequests = dict[MessageKey, MessageRequested]
"""Messages without an outcome yet; of several with one id the first counts."""

_LOOK_AGAIN_SECONDS = 0.2
_CHARACTERS_AT_ONCE = 20_000
"""Of texts that are read for what they offer: that many take some 30 ms at most, in which nothing else happens."""
_ASKED_AT_ONCE = 100
"""Of messages that early rules are asked about: they take some 100 ms at most, in which nothing else happens."""
LEAST = 50
MOST = 10_000
_SHARE_OF_DONE = 0.9
_GROWTH = 0.125


@dataclass(slots=True)
class PartSize:
    """The size of the parts that a batch is decided in: it falls to what got out in time, and else grows by an eighth.

    A machine that is short of CPU, or a slow carrier, would else have every message of a batch decided many times.
    """

    messages: int = MOST

    def note(self, decided: int, undone: int) -> None:
        """Note how many were decided together, and how many were left undone when time ran out."""
        if undone:
            self.messages = max(LEAST, min(self.messages, int((decided - undone) * _SHARE_OF_DONE)))
        elif decided >= self.messages:
            self.messages = min(MOST, self.messages + max(1, int(self.messages * _GROWTH)))


@dataclass(frozen=True, slots=True)
class BatchProcessor:
    """A processor of batches; it may be called again for the same messages, as redelivery does.

    The departure rules that are in `early` too are asked before the fence, with pauses, so that after it they know.
    """

    pool: Pool
    fence: Fence
    cache: CacheFollower
    reporter: Reporter
    dropper: Dropper
    dispatcher: Dispatcher
    room: WaitingRoom
    sending: LimitedSending
    clock: DepartureClock = field(default_factory=DepartureClock)
    rules: Sequence[DepartureRule] = ()
    early: Sequence[DepartureRule] = ()
    part_size: PartSize = field(default_factory=PartSize)
    _turns: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def stopping(self) -> bool:
        """Whether calls under way come to their end and no more begin: this process stops."""
        return self.dispatcher.calls.stopping

    def of_woken(self) -> "BatchProcessor":
        """Return the processor of messages that have waited, which takes turns with this one."""
        return replace(self, sending=self.sending.of_woken())

    async def process(self, open_requests: OpenRequests) -> None:
        """Return when `open_requests` is empty: messages are removed once the part that they are in has its outcomes.

        A message that has to wait for its time is removed once it is in the waiting room. Callers take turns, batch by
        batch: messages straight from Kafka and those whose time has come do not keep each other waiting for longer.

        Where a part fails, those that have their outcome already are claimed by nobody again, and only published again.

        Raises:
            TransientError: Kafka, Postgres, the cache or the carrier is unavailable; call again with what is left.
        """
        async with self._turns:
            await self._process(open_requests)

    async def _process(self, open_requests: OpenRequests) -> None:
        await self.dispatcher.settle_leftovers()
        # The ledger is not asked first: nearly every id is new, and a claim finds those that are not.
        needs_fence = list(open_requests.values())
        while open_requests:
            before = len(open_requests)
            await self._handle_all(needs_fence, open_requests)
            needs_fence = await self._ask_ledger(open_requests) if open_requests else []
            if needs_fence and len(open_requests) == before:
                raise TransientError("no message got through: the carrier cannot be reached, or decisions are too slow")
            if open_requests and not needs_fence:
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def _handle_all(self, needs_fence: list[MessageRequested], open_requests: OpenRequests) -> None:
        while needs_fence:
            size = self.part_size.messages
            part, needs_fence = needs_fence[:size], needs_fence[size:]
            await self._handle_part(part, open_requests)

    async def _handle_part(self, requests: Sequence[MessageRequested], open_requests: OpenRequests) -> None:
        """Decide what is due, and have the others wait; remove what has an outcome, or waits."""
        failpoint("sender.before_fence")
        now = self.clock.now()
        verdicts = with_timing(requests, requests, repeat(()), now)
        due = [verdict for verdict in verdicts if isinstance(verdict, MessageRequested)]
        undone = [] if len(due) == len(requests) else await self._decide_undue(requests, verdicts, now)
        if due:
            undone += await self._decide(due)
        kept = set(map(key_of, undone))
        for key in map(key_of, requests):
            if key not in kept:
                del open_requests[key]

    async def _decide_undue(
        self, requests: Sequence[MessageRequested], verdicts: Sequence[Verdict], now: datetime
    ) -> list[MessageRequested]:
        """Have wait, or reject, what must not leave now by its own times: without a fence; return what is not ours."""
        decision = decide(requests, boottime(), verdicts=verdicts)
        undone: list[MessageRequested] = []
        if decision.to_reject:
            undone += await self.dropper.drop("rejected", _rejected(decision), now)
        if decision.to_wait:
            undone += await self.room.put(decision.to_wait, now)
        return undone

    async def _decide(self, requests: Sequence[MessageRequested]) -> list[MessageRequested]:
        """Fence, check, decide, drop, send; return what has to be decided again, or is not ours."""
        # `suppressions` has as many partitions as `inbound-messages`: `shared.topics` checks it.
        queries = queries_of(requests, self.cache.partitions)
        confirmations = confirming(requests)
        queries += scope_queries(confirmations, self.cache.partitions) if confirmations else []
        account_ids = accounts_of(requests)
        likely = self.cache.likely_account_settings(account_ids)
        offers = await self._offers(requests, gate_settings_of(likely))
        await self._foresee(requests, likely)
        partitions = partitions_in(queries) | partitions_of_accounts(account_ids, self.cache.partitions)
        with metrics.FENCE_SECONDS.time():
            fence_pass = await self.fence.wait(partitions)
        if tracing.is_on():
            MESSAGE_TRACES.note(requests, "fence passed")
        failpoint("sender.after_fence")
        checked = self.cache.check(fence_pass, queries)
        makes_links = self.dispatcher.calls.links.url is not None
        accounts = self.cache.account_settings(fence_pass, account_ids)
        judged = judge_all(requests, offers, accounts, makes_links=makes_links)
        if confirmations:
            checked, judged = let_pass(requests, checked, judged, self.cache)
        decision = decide(requests, boottime(), checked=checked, verdicts=self._with_timing(judged, requests, accounts))
        metrics.REDECIDED.inc(len(decision.needs_fence))
        # The topics are verified while the messages are claimed and announced, and before the first of them leaves.
        permission = Permission(accounts, fence_pass, partial(self.cache.verify_source, checked), self.clock.now())
        undone = decision.needs_fence + await self._carry_out(decision, requests, permission)
        self.part_size.note(len(requests), len(undone) if fence_pass.has_expired(boottime()) else 0)
        return undone

    def _with_timing(
        self, judged: Sequence[Judged], requests: Sequence[MessageRequested], accounts: SettingsByAccount
    ) -> list[Verdict]:
        now = self.clock.now()
        waits = (
            [rule.earliest(request, accounts[request.account_id], now) for rule in self.rules] for request in requests
        )
        return with_timing(judged, requests, waits, now)

    async def _carry_out(
        self, decision: Decision, requests: Sequence[MessageRequested], permission: Permission
    ) -> list[MessageRequested]:
        started_at, undone = permission.fence_pass.started_at, list[MessageRequested]()
        if decision.to_suppress:
            rows = [(request, suppressed_detail(*found)) for request, found in decision.to_suppress]
            with traced_drops(decision.to_suppress):
                undone += await self.dropper.drop("suppressed", rows, started_at)
        if decision.to_reject:
            undone += await self.dropper.drop("rejected", _rejected(decision), started_at)
        if decision.to_wait:
            undone += await self.room.put(decision.to_wait, started_at)
        if decision.to_send:
            undone += await self.sending.send(decision.to_send, requests, permission)
        return undone

    async def _ask_ledger(self, open_requests: OpenRequests) -> list[MessageRequested]:
        """Publish the outcomes that the ledger already has; return the messages that need a fence again."""
        async with connection_from(self.pool) as connection:
            rows = await find(connection, list(open_requests))
        decision = decide(list(open_requests.values()), boottime(), rows=rows)
        if decision.to_republish:
            await self.reporter.publish(decision.to_republish)
        for row in decision.to_republish:
            del open_requests[row.key]
        if decision.in_progress:
            await self.dispatcher.give_back(decision.in_progress)
        return decision.needs_fence

    async def _offers(self, requests: Sequence[MessageRequested], likely: Mapping[str, GateSettings]) -> list[Offered]:
        """Return what each message offers; with pauses, since calls under way must not wait for all of them."""
        offers: list[Offered] = []
        links, unpaused = self.dispatcher.calls.links, 0
        for request in requests:
            has_link = links.will_write(request)
            offers.append(
                offered_by(request.body, request.sender_number, likely[request.account_id], has_link=has_link)
            )
            unpaused += len(request.body)
            if unpaused >= _CHARACTERS_AT_ONCE:
                unpaused = 0
                await asyncio.sleep(0)
        return offers

    async def _foresee(self, requests: Sequence[MessageRequested], likely: SettingsByAccount) -> None:
        now = self.clock.now()
        for rule in self.early:
            for number, request in enumerate(requests, 1):
                rule.earliest(request, likely[request.account_id], now)
                if number % _ASKED_AT_ONCE == 0:
                    await asyncio.sleep(0)


def _rejected(decision: Decision) -> list[NewRow]:
    for _, why in decision.to_reject:
        if isinstance(why, Untimely):
            metrics.REJECTED_BY_TIME.labels(why.reason).inc()
    return [(request, rejected_detail(*why)) for request, why in decision.to_reject]
