"""Several things at the same time."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from shared.errors import TransientError

T = TypeVar("T")


async def gather_all(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Wait until all have come to their end, also where one fails: nothing is interrupted between two writes.

    Raises:
        BaseException: one of those that were raised, a bug before a `TransientError`.
    """
    done = await asyncio.gather(*works, return_exceptions=True)
    errors = [each for each in done if isinstance(each, BaseException)]
    if errors:
        raise min(errors, key=lambda error: isinstance(error, TransientError))
    return [each for each in done if not isinstance(each, BaseException)]
