"""Prints claims as they are shown, and remembers whether one failed."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


class ClaimFailedError(Exception):
    """What a claim says is not so; the text says what was found instead."""


class StoryOverError(Exception):
    """The story cannot go on: a part of the stack is down, or what comes next needs the claim that failed."""


def require(holds: bool, found: object) -> None:  # noqa: FBT001 (reads as an assertion)
    """Fail the claim that is being shown unless `holds`; `found` is what was seen."""
    if not holds:
        raise ClaimFailedError(f"found {found}")


class Claims:
    """Collects the outcome of each claim; `failed` counts those that did not hold.

    Args:
        say: gets a line for each claim.
        what_is_down: asked after a claim that failed; returns a line for each part of the stack that is down.
    """

    def __init__(self, say: Callable[[str], None], what_is_down: Callable[[], Awaitable[list[str]]]) -> None:
        self._say = say
        self._what_is_down = what_is_down
        self.shown = 0
        self.failed = 0

    @asynccontextmanager
    async def claim(self, text: str, *, is_needed: bool = False) -> AsyncIterator[None]:
        """Show that `text` holds by what is done inside the `with` block; whatever is raised there fails it.

        Raises:
            StoryOverError: it failed, and a part is down or the rest of the story needs it (`is_needed`).
        """
        started = time.monotonic()
        try:
            yield
        except Exception as error:  # noqa: BLE001 (whatever went wrong: the claim does not hold, and its line says so)
            self.failed += 1
            self._say(f"FAIL  {text}\n      {_described(error)}")
            await self._look_for_the_cause(is_needed=is_needed)
        else:
            self.shown += 1
            self._say(f"ok    {text}  ({(time.monotonic() - started) * 1000:.0f} ms)")

    async def _look_for_the_cause(self, *, is_needed: bool) -> None:
        down = await self._what_is_down()
        for line in down:
            self._say(f"      {line}")
        if down:
            raise StoryOverError("not every part is up")
        self._say("      every part of the stack is up")
        if is_needed:
            raise StoryOverError("what comes next needs this claim")


def _described(error: Exception) -> str:
    is_expected = isinstance(error, ClaimFailedError) or type(error).__module__ == "shared.errors"
    return str(error) if is_expected else f"{type(error).__name__}: {error}"
