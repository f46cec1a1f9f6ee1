"""Rounds of work, for each account and gateway by itself: none waits for another, and none is repeated hot."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from services.inbound.poll import metrics
from services.inbound.poll.api_keys import GatewayAccount
from services.inbound.poll.client import ApiBusyError, ApiRefusedError
from services.inbound.poll.limits import BUG_SECONDS, FAILED_SECONDS, REFUSED_SECONDS
from shared.errors import TransientError
from shared.metrics import from_zero

log = logging.getLogger(__name__)


class Work(NamedTuple):
    """A piece of work that is done for one account and gateway, at the start and then again and again.

    `do` raises `TransientError` where it is to be tried again, of which those of `client.py` are.
    """

    name: str
    account: GatewayAccount
    every_seconds: float
    do: Callable[[], Awaitable[None]]


class Rounds:
    """The rounds of all work, each in a task of its own."""

    def __init__(self, works: Sequence[Work]) -> None:
        self._works = works
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._repeat(work), name=f"{work.name} {work.account}")
                       for work in self._works]  # fmt: skip

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _repeat(self, work: Work) -> None:
        from_zero(metrics.ROUNDS, (work.name,), (work.account.gateway,), ("done", "paused", "refused", "failed", "bug"))
        metrics.DONE_AT.labels(work.name, work.account.gateway, work.account.account_id).set(0)
        failures = 0
        while True:
            pause = await round_of(work, failures)
            failures = 0 if pause == work.every_seconds else failures + 1
            await asyncio.sleep(pause)


async def round_of(work: Work, failures: int) -> float:
    """Do the work once; return for how many seconds to wait before the next round.

    A bug does not end the process: what one gateway responds to one account would end the work for all accounts.
    """
    try:
        await work.do()
    except ApiBusyError as error:
        log.warning("%s: paused for %.0f s: %s", work.name, error.pause_seconds, error)
        return _counted(work, "paused", error.pause_seconds)
    except ApiRefusedError as error:
        log.error("%s: the gateway refuses the credentials in STOPLINE_GATEWAY_API_KEYS: %s", work.name, error)  # noqa: TRY400 (no traceback: the credentials are wrong)
        return _counted(work, "refused", REFUSED_SECONDS)
    except TransientError as error:
        pause = FAILED_SECONDS[min(failures, len(FAILED_SECONDS) - 1)]
        log.warning("%s: tried again in %.0f s: %s", work.name, pause, error)
        return _counted(work, "failed", pause)
    except Exception:
        log.exception("%s: an error of Stopline's, tried again in %.0f s: %s", work.name, BUG_SECONDS, work.account)
        return _counted(work, "bug", BUG_SECONDS)
    metrics.DONE_AT.labels(work.name, work.account.gateway, work.account.account_id).set(time.time())
    return _counted(work, "done", work.every_seconds)


def _counted(work: Work, outcome: str, pause_seconds: float) -> float:
    metrics.ROUNDS.labels(work.name, work.account.gateway, outcome).inc()
    return pause_seconds
