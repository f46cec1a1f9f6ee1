"""The story's claims: each is shown to hold on the running stack, and printed."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


class ClaimFailedError(Exception):
    """A claim does not hold; the text says what was found instead. It never leaves the claim's `with` block."""


class StoryOverError(Exception):
    """The story cannot go on: a part of the stack is down, or the next claims need the one that failed.

    It ends the story, and `play_story` prints it: it belongs to none of the families of `shared.errors`.
    """


def require(holds: bool, found: object) -> None:  # noqa: FBT001 (reads as an assertion)
    """Fail the current claim unless `holds`; `found` is printed.

    Raises:
        ClaimFailedError: it does not hold.
    """
    if not holds:
        raise ClaimFailedError(f"found {found}")


class StoryClaims:
    """A count of the claims that hold and of those that `failed`; each is printed as it is shown.

    Args:
        say: called with a line for each claim.
        what_is_down: called after a claim that failed; returns a line for each part of the stack that is down.
    """

    def __init__(self, say: Callable[[str], None], what_is_down: Callable[[], Awaitable[list[str]]]) -> None:
        self._say = say
        self._what_is_down = what_is_down
        self.shown = 0
        self.failed = 0

    @asynccontextmanager
    async def claim(self, text: str, *, is_needed: bool = False) -> AsyncIterator[None]:
        """Show the claim `text` by the `with` block: it fails if the block raises.

        Raises:
            StoryOverError: the claim failed, and a part is down or the rest of the story needs it (`is_needed`).
        """
        started = time.monotonic()
        try:
            yield
        except Exception as error:  # noqa: BLE001 (whatever the error, the claim does not hold, and its line says why)
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
            raise StoryOverError("the next claims need this one")


def _described(error: Exception) -> str:
    is_expected = isinstance(error, ClaimFailedError) or type(error).__module__ == "shared.errors"
    return str(error) if is_expected else f"{type(error).__name__}: {error}"
