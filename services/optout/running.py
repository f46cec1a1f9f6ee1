"""The tasks beside the HTTP server of a process, which end the process where they meet a bug."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

log = logging.getLogger(__name__)


@asynccontextmanager
async def running_beside(app: FastAPI, work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """Run `work` inside the `with` block; a bug in it stops the process, with all offsets kept."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(lambda done: _end(app, done))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def _end(app: FastAPI, task: "asyncio.Task[None]") -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.critical("%s stopped: %r", task.get_name(), error, exc_info=error)
        app.state.failed = repr(error)
        app.state.stop()
