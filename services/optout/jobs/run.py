"""The jobs of this process: a few at a time, each for a short while, so that none waits for a long one."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from services.optout import files
from services.optout.jobs import store
from services.optout.jobs.job import AccountJob, JobFailedError, JobKind
from shared.errors import TransientError
from shared.postgres import POSTGRES_UNAVAILABLE, Pool, connection_from
from shared.wakeup import Wakeup

log = logging.getLogger(__name__)

AT_ONCE = 2
CONNECTIONS = 2 * AT_ONCE + 1
"""In a step each job has two at most, and there is one more for what keeps the claims alive."""
_TURN_SECONDS = 2.0
"""After this time a job lets others go first."""
_POLL_SECONDS = 0.5
_KEEP_SECONDS = store.LEASE_SECONDS / 5
_RETRY_SECONDS = 1.0
_RELEASE_SECONDS = 1.0
_TIDY_SECONDS = 60.0


@dataclass
class Turn:
    """The steps of one job in a row, after which others go first."""

    job: AccountJob
    ends_at: float
    wait_seconds: float = 0.0
    made_steps: bool = False
    has_ended: bool = False

    @property
    def is_over(self) -> bool:
        return self.has_ended or self.wait_seconds > 0 or time.monotonic() > self.ends_at


class Jobs:
    """The jobs that this process works on; others take over those of a process that died, after its lease."""

    def __init__(self, pool: Pool, kinds: Sequence[JobKind]) -> None:
        self._pool = pool
        self._kinds: Mapping[str, JobKind] = {kind.name: kind for kind in kinds}
        self._added = Wakeup()

    def wake(self) -> None:
        """Look for a job at once: one was added."""
        self._added.wake()

    async def run(self) -> None:
        """Work until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(self._work())
            tasks.create_task(self._tidy())

    async def _work(self) -> None:
        while True:
            try:
                if not await self._take_turn():
                    await self._added.wait(_POLL_SECONDS)
            except (TransientError, asyncpg.PostgresError, *POSTGRES_UNAVAILABLE) as error:
                log.warning("jobs: %r", error)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _take_turn(self) -> bool:
        """Work on one job for a while; False where there is none."""
        async with connection_from(self._pool) as connection:
            claimed = await store.claim(connection, list(self._kinds))
        if claimed is None:
            return False
        job, failures = claimed
        if failures >= store.MAX_CLAIMS_WITHOUT_STEP:
            await self._fail(job, "it failed several times at the same step; nothing more is tried")
            return True
        async with self._kept(job):
            await self._steps(job)
        return True

    async def _steps(self, job: AccountJob) -> None:
        """Make steps for one turn; whatever ends them, the claim is given up or the job has ended."""
        turn = Turn(job, time.monotonic() + _TURN_SECONDS)
        try:
            while not turn.is_over:
                await self._step(turn)
        except store.LeaseLostError:
            return
        except JobFailedError as error:
            await self._fail(turn.job, str(error))
            return
        except (TransientError, *POSTGRES_UNAVAILABLE) as error:
            log.warning("job %s (%s) is tried again: %r", job.job_id, job.kind, error)
            turn.wait_seconds, turn.made_steps = _RETRY_SECONDS, True  # it is not the job's fault, however often
        except asyncio.CancelledError:
            async with asyncio.timeout(_RELEASE_SECONDS):
                await self._release(turn)
            raise
        except Exception:
            log.exception("job %s (%s) failed", job.job_id, job.kind)
            await self._fail(turn.job, "an error of ours; the operator's log has it")
            return
        await self._release(turn)

    async def _step(self, turn: Turn) -> None:
        after = await self._kinds[turn.job.kind].step(turn.job)
        async with connection_from(self._pool) as connection:
            turn.has_ended = await store.save(connection, after) != "running"
        turn.made_steps, turn.wait_seconds = True, after.wait_seconds
        turn.job = after.waiting(0.0)

    async def _release(self, turn: Turn) -> None:
        if not turn.has_ended:
            async with connection_from(self._pool) as connection:
                await store.release(connection, turn.job, turn.wait_seconds, made_steps=turn.made_steps)

    async def _fail(self, job: AccountJob, error: str) -> None:
        async with connection_from(self._pool) as connection:
            await store.fail(connection, job, error)

    @asynccontextmanager
    async def _kept(self, job: AccountJob) -> AsyncIterator[None]:
        """Keep the claim inside the `with` block."""
        task = asyncio.create_task(self._keep(job), name="keep job")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _keep(self, job: AccountJob) -> None:
        """Move the claim on until it is lost: what the step then saves is refused."""
        is_kept = True
        while is_kept:
            await asyncio.sleep(_KEEP_SECONDS)
            try:
                async with connection_from(self._pool) as connection:
                    is_kept = await store.keep(connection, job)
            except (TransientError, asyncpg.PostgresError) as error:
                log.warning("job %s: its claim could not be kept: %r", job.job_id, error)

    async def _tidy(self) -> None:
        while True:
            try:
                async with connection_from(self._pool) as connection:
                    await store.forget(connection)
                    await files.expire(connection)
            except (TransientError, asyncpg.PostgresError) as error:
                log.warning("jobs: %r", error)
            await asyncio.sleep(_TIDY_SECONDS)
