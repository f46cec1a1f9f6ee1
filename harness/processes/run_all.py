"""Runs several coroutines at the same time; the first failure cancels the others."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def run_all(*calls: Coroutine[Any, Any, Any]) -> None:
    """Run all `calls` and wait for them.

    Raises:
        Exception: the first that one of them raised; the others were cancelled and have ended.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(call)
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
