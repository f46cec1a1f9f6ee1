"""Prints claims as they are shown, and remembers whether one failed."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from shared.errors import TransientError


class ClaimFailedError(Exception):
    """What a claim says is not so; the text says what was found instead."""


def require(holds: bool, found: object) -> None:  # noqa: FBT001 (reads as an assertion)
    """Fail the claim that is being shown unless `holds`; `found` is what was seen."""
    if not holds:
        raise ClaimFailedError(f"found {found}")


class Claims:
    """Collects the outcome of each claim; `failed` counts those that did not hold."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.shown = 0
        self.failed = 0

    @asynccontextmanager
    async def claim(self, text: str) -> AsyncIterator[None]:
        """Show that `text` holds by what is done inside the `with` block."""
        started = time.monotonic()
        try:
            yield
        except (ClaimFailedError, TransientError) as error:
            self.failed += 1
            self._say(f"FAIL  {text}\n      {error}")
        else:
            self.shown += 1
            self._say(f"ok    {text}  ({(time.monotonic() - started) * 1000:.0f} ms)")
