"""Tasks that run beside a service's HTTP server for as long as it lives."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from shared.errors import RestartNeededError

GiveUp: TypeAlias = Callable[[BaseException], None]
"""Ends the process because of an error; the caller publishes nothing more."""


@asynccontextmanager
async def in_background(
    work: Coroutine[Any, Any, None], name: str, give_up: GiveUp, *, stop_seconds: float | None = None
) -> AsyncIterator[None]:
    """Run `work` inside the `with` block, and give up with the error that ends it.

    Args:
        work: runs until it is cancelled.
        name: of its task.
        give_up: called at once with an error of `work`.
        stop_seconds: how long `work` may take to end once cancelled; None: no limit.
    """
    is_ending = asyncio.Event()
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(lambda done: _check(done, give_up, is_expected=is_ending.is_set()))
    try:
        yield
    finally:
        is_ending.set()
        task.cancel()
        await asyncio.wait([task], timeout=stop_seconds)


def _check(task: "asyncio.Task[None]", give_up: GiveUp, *, is_expected: bool) -> None:
    """Give up on an error, and on a cancellation that is not ours: aiokafka lets those of its own tasks out."""
    if not task.cancelled():
        error = task.exception()
    else:
        error = None if is_expected else RestartNeededError(f"{task.get_name()}: something inside it was cancelled")
    if error is not None:
        give_up(error)
