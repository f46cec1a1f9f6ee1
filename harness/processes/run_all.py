"""Several things at the same time; the first failure ends the others and is what the caller sees."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def run_all(*calls: Coroutine[Any, Any, Any]) -> None:
    """Run all of them.

    Raises:
        Exception: the first that one of them raised; the others were cancelled and have ended.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(call)
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
