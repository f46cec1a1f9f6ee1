"""The second part of jobs that change suppressions: what they have found is published, from the chunks that keep it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias
from uuid import UUID

from services.optout.jobs import store
from services.optout.jobs.job import AccountJob
from services.optout.jobs.job_request import JobRequest
from shared.postgres import Pool, connection_from

RequestOf: TypeAlias = Callable[[str], JobRequest]
"""Returns the request that a line of a chunk means: the same event whenever it is called."""
RequestOfMany: TypeAlias = Callable[[Sequence[str]], JobRequest]
"""Returns the one request about these phones: the same event whenever it is called with the same ones."""
LINES_AT_ONCE = 5_000
_MADE_AT_ONCE = 250
_STEP_SECONDS = 1.0


class JobPublisher(Protocol):
    """The way of requests to the pipeline."""

    async def publish(self, requests: Sequence[JobRequest]) -> None:
        """Return when all are recorded.

        Raises:
            TransientError: try again; those that arrived do no harm a second time.
        """

    async def publish_of_many(self, phones: Sequence[str], request_of: RequestOfMany) -> None:
        """The same for one kind of request about many recipients: a record has several of them."""


async def publish_each(publisher: JobPublisher, request_of: RequestOf, lines: Sequence[str]) -> None:
    """Publish a request for each line."""
    await publisher.publish(await requests_of(lines, request_of))


async def publish_lines(
    pool: Pool, job: AccountJob, chunks_of: UUID, publish: Callable[[Sequence[str]], Awaitable[None]]
) -> AccountJob:
    """Do one step: publish lines from `place` on, which has `chunk`, `line` and `chunks`; then `is_published`.

    Args:
        pool: of the database.
        job: whose place moves, and whose `done` counts lines.
        chunks_of: the id of the job whose chunks have the lines.
        publish: publishes what some lines mean; the same events whenever it is called with them.
    """
    ends_at = time.monotonic() + _STEP_SECONDS
    chunk, line, done = job.place.get("chunk", 0), job.place.get("line", 0), job.done
    if chunk >= job.place["chunks"]:
        return job.moved({**job.place, "is_published": True})
    async with connection_from(pool) as connection:
        content = await store.chunk(connection, chunks_of, chunk)
    lines = content.decode().splitlines()
    while line < len(lines) and time.monotonic() < ends_at:
        some = lines[line : line + LINES_AT_ONCE]
        await publish(some)
        line += len(some)
        done += len(some)
    if line >= len(lines):
        chunk, line = chunk + 1, 0
    return job.moved({**job.place, "chunk": chunk, "line": line}, done=done)


async def requests_of(lines: Sequence[str], request_of: RequestOf) -> list[JobRequest]:
    """Return the requests of the lines; others have a turn between: all at once take longer than anybody may wait."""
    requests: list[JobRequest] = []
    for start in range(0, len(lines), _MADE_AT_ONCE):
        requests += map(request_of, lines[start : start + _MADE_AT_ONCE])
        await asyncio.sleep(0)
    return requests
