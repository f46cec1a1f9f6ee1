"""A batch of requested messages, until each of them has an outcome that is durable and published."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from services.sender import metrics
from services.sender.decide import decide, queries_of
from services.sender.dispatch import Dispatcher
from services.sender.drop import Dropper
from services.sender.gate import accounts_of, judge_all, partitions_of_accounts, settings_of
from services.sender.ledger.model import MessageKey, key_of, rejected_detail, suppressed_detail
from services.sender.ledger.rows import find
from services.sender.report import Reporter
from shared.errors import TransientError
from shared.events.outbound import MessageRequested
from shared.failpoints import failpoint
from shared.gate import GateSettings, Offered, offered_by
from shared.postgres import Pool, connection_from
from shared.suppressions.fence import Fence
from shared.suppressions.fence_pass import boottime
from shared.suppressions.follow import CacheFollower
from shared.suppressions.lookup import partitions_in

Waiting = dict[MessageKey, MessageRequested]
"""Messages without an outcome yet; of several with one id the first counts."""

_LOOK_AGAIN_SECONDS = 0.2
_CHARACTERS_AT_ONCE = 20_000
"""Of texts that are read for what they offer: that many take some 30 ms at most, in which nothing else happens."""
LEAST = 50
MOST = 10_000
_SHARE_OF_DONE = 0.9
_GROWTH = 0.125


@dataclass(slots=True)
class Pace:
    """A batch size that falls to what got out in time, and grows by an eighth each time when all did.

    A machine that is short of CPU, or a slow carrier, would else have every message of a batch decided many times.
    """

    at_once: int = MOST

    def note(self, decided: int, undone: int) -> None:
        """Note how many were decided together, and how many were left undone when time ran out."""
        if undone:
            self.at_once = max(LEAST, min(self.at_once, int((decided - undone) * _SHARE_OF_DONE)))
        elif decided >= self.at_once:
            self.at_once = min(MOST, self.at_once + max(1, int(self.at_once * _GROWTH)))


@dataclass(frozen=True, slots=True)
class BatchProcessor:
    """A processor of batches; it may be called again for the same messages, as redelivery does."""

    pool: Pool
    fence: Fence
    cache: CacheFollower
    reporter: Reporter
    dropper: Dropper
    dispatcher: Dispatcher
    pace: Pace = field(default_factory=Pace)

    async def process(self, waiting: Waiting) -> None:
        """Return when `waiting` is empty: messages are removed once the part that is handled together has its outcomes.

        Where a part fails, those that have their outcome already are claimed by nobody again, and only published again.

        Raises:
            TransientError: Kafka, Postgres, the cache or the carrier is unavailable; call again with what is left.
        """
        await self.dispatcher.settle_leftovers()
        # The ledger is not asked first: nearly every id is new, and a claim finds those that are not.
        needs_fence = list(waiting.values())
        while waiting:
            before = len(waiting)
            await self._handle_all(needs_fence, waiting)
            needs_fence = await self._ask_ledger(waiting) if waiting else []
            if needs_fence and len(waiting) == before:
                raise TransientError("no message got through: the carrier cannot be reached, or decisions are too slow")
            if waiting and not needs_fence:
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def _handle_all(self, needs_fence: list[MessageRequested], waiting: Waiting) -> None:
        while needs_fence:
            part, needs_fence = needs_fence[: self.pace.at_once], needs_fence[self.pace.at_once :]
            await self._handle_part(part, waiting)

    async def _handle_part(self, requests: Sequence[MessageRequested], waiting: Waiting) -> None:
        """Fence, check, decide, drop, send; remove the messages that then have their outcome from `waiting`."""
        failpoint("sender.before_fence")
        # `suppressions` has as many partitions as `inbound-messages`: `shared.topics` checks it.
        queries = queries_of(requests, self.cache.partitions)
        account_ids = accounts_of(requests)
        offers = await self._offers(requests, settings_of(self.cache.likely_settings(account_ids)))
        places = partitions_in(queries) | partitions_of_accounts(account_ids, self.cache.partitions)
        with metrics.FENCE_SECONDS.time():
            fenced = await self.fence.wait(places)
        failpoint("sender.after_fence")
        checked = self.cache.check(fenced, queries)
        makes_links = self.dispatcher.links.url is not None
        judged = judge_all(requests, offers, self.cache.settings(fenced, account_ids), makes_links=makes_links)
        decision = decide(requests, {}, checked, judged, boottime())
        metrics.REDECIDED.inc(len(decision.needs_fence))
        undone = decision.needs_fence
        if decision.to_drop:
            rows = [(request, suppressed_detail(*found)) for request, found in decision.to_drop]
            undone += await self.dropper.drop("suppressed", rows, fenced)
        if decision.to_reject:
            rows = [(request, rejected_detail(*why)) for request, why in decision.to_reject]
            undone += await self.dropper.drop("rejected", rows, fenced)
        if decision.to_send:
            # Confirmed while the messages are claimed and announced, and before the first of them leaves.
            undone += await self.dispatcher.dispatch(decision.to_send, fenced, partial(self.cache.confirm, checked))
        self.pace.note(len(requests), len(undone) if fenced.has_expired(boottime()) else 0)
        kept = set(map(key_of, undone))
        for key in map(key_of, requests):
            if key not in kept:
                del waiting[key]

    async def _ask_ledger(self, waiting: Waiting) -> list[MessageRequested]:
        """Publish the outcomes that the ledger already has; return the messages that need a fence again."""
        async with connection_from(self.pool) as connection:
            rows = await find(connection, list(waiting))
        decision = decide(list(waiting.values()), rows, None, (), boottime())
        if decision.to_republish:
            await self.reporter.publish(decision.to_republish)
        for row in decision.to_republish:
            del waiting[row.key]
        if decision.in_progress:
            await self.dispatcher.give_back(decision.in_progress)
        return decision.needs_fence

    async def _offers(self, requests: Sequence[MessageRequested], likely: Mapping[str, GateSettings]) -> list[Offered]:
        """Return what each message offers; with pauses, since calls under way must not wait for all of them."""
        offers: list[Offered] = []
        links, unpaused = self.dispatcher.links, 0
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
