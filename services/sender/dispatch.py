"""From a decision to the carrier: claimed in the ledger, announced to Kafka, called while the decision is fresh."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from services.sender import metrics
from services.sender.carriers.carrier import Accepted, Answer, Carrier, NotCalled, Refused, Unknown
from services.sender.fence import Pass
from services.sender.ledger.connection import Pool
from services.sender.ledger.rows import Settled, State, key_of, row_of, settle, take
from services.sender.report import Reporter, dispatching, outcome
from shared.events.outbound import MessageRequested
from shared.failpoints import reach

FRESH_SECONDS = 1.0
"""G1: a carrier call is never made on a decision that began longer ago."""
CHUNK_MESSAGES = 50
_CHUNKS_AHEAD = 2


class Dispatcher:
    """Works in chunks, several at once, so that the calls in flight stay many while rows and events go in bulk."""

    def __init__(self, pool: Pool, reporter: Reporter, carrier: Carrier, calls_in_flight: int) -> None:
        self._pool = pool
        self._reporter = reporter
        self._carrier = carrier
        self._calls = asyncio.Semaphore(calls_in_flight)
        self._chunks = asyncio.Semaphore(calls_in_flight // CHUNK_MESSAGES + _CHUNKS_AHEAD)

    async def dispatch(self, requests: Sequence[MessageRequested], decided: Pass) -> list[MessageRequested]:
        """Send what is allowed; return what has to be decided again.

        That is what waited until its decision was too old, and what the carrier could not be reached for.
        """
        async with asyncio.TaskGroup() as tasks:
            chunks = [tasks.create_task(self._chunk(chunk, decided)) for chunk in _chunks_of(requests)]
        return [request for chunk in chunks for request in chunk.result()]

    async def _chunk(self, requests: Sequence[MessageRequested], decided: Pass) -> list[MessageRequested]:
        async with self._chunks:
            if decided.age_seconds() >= FRESH_SECONDS:
                metrics.REDECIDED.inc(len(requests))
                return list(requests)
            mine = await self._claim(requests, decided)
            if not mine:
                return []
            await self._reporter.publish([dispatching(request, decided.started_at) for request in mine])
            reach("sender.after_dispatching_event")
            answers = await asyncio.gather(*(self._call(request, decided) for request in mine))
            reach("sender.after_carrier_call")
            return await self._settle(list(zip(mine, answers, strict=True)), decided)

    async def _claim(self, requests: Sequence[MessageRequested], decided: Pass) -> list[MessageRequested]:
        async with self._pool.acquire() as connection:
            taken = await take(connection, [(request, "dispatching", None) for request in requests], decided.started_at)
        reach("sender.after_claim")
        return [request for request in requests if key_of(request) in taken]

    async def _call(self, request: MessageRequested, decided: Pass) -> Answer:
        async with self._calls:
            fresh_seconds = FRESH_SECONDS - decided.age_seconds()
            if fresh_seconds <= 0:
                metrics.REDECIDED.inc()
                return NotCalled("the decision is too old")
            with metrics.CALLS_IN_FLIGHT.track_inprogress():
                return await self._carrier.send(request, fresh_seconds)

    async def _settle(self, answered: list[tuple[MessageRequested, Answer]], decided: Pass) -> list[MessageRequested]:
        settled = [Settled(key_of(request), *_state_of(answer)) for request, answer in answered]
        async with self._pool.acquire() as connection:
            open_keys = await settle(connection, settled)
        reach("sender.after_settle")
        now = datetime.now(UTC)
        rows = [
            row_of(request, each.state, each.detail, decided.started_at, now)
            for (request, _), each in zip(answered, settled, strict=True)
            if each.state != "pending" and each.key in open_keys
        ]
        if rows:
            await self._reporter.publish([outcome(row) for row in rows])
        reach("sender.after_outcome_event")
        for row in rows:
            metrics.MESSAGES.labels(row.state).inc()
        return [request for request, answer in answered if isinstance(answer, NotCalled)]


def _state_of(answer: Answer) -> tuple[State, str | None]:
    match answer:
        case Accepted(carrier_message_id=carrier_message_id):
            return "sent", carrier_message_id
        case Refused(reason=reason):
            return "failed", reason
        case Unknown(detail=detail):
            return "unknown", detail
        case NotCalled(detail=detail):
            metrics.NOT_CALLED.inc()
            return "pending", detail


def _chunks_of(requests: Sequence[MessageRequested]) -> Iterator[Sequence[MessageRequested]]:
    for begin in range(0, len(requests), CHUNK_MESSAGES):
        yield requests[begin : begin + CHUNK_MESSAGES]
