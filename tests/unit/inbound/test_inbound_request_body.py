"""How much of a request is read, and for how long."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from services.inbound.handle import read_body
from services.inbound.limits import DRAIN_BYTES, MAX_REQUEST_BYTES
from services.inbound.responses import BodyTooLargeError, TooSlowError
from shared.deadlines import Deadlines

LONG = Deadlines(10.0)


class Sender:
    """Sends parts of a body, and counts what was taken."""

    def __init__(self, parts: Iterator[bytes], *, ends: bool = True) -> None:
        self._parts = parts
        self._ends = ends
        self.taken_bytes = 0

    async def __call__(self) -> dict[str, Any]:
        part = next(self._parts, None)
        if part is None:
            return (
                {"type": "http.request", "body": b"", "more_body": False} if self._ends else {"type": "http.disconnect"}
            )
        self.taken_bytes += len(part)
        return {"type": "http.request", "body": part, "more_body": True}


async def test_a_body_in_parts_is_put_together() -> None:
    assert await read_body(Sender(iter([b"from=1", b"", b"&body=STOP"])), LONG) == b"from=1&body=STOP"


@pytest.mark.parametrize("part_bytes", [1, 1000, MAX_REQUEST_BYTES])
async def test_the_limit_itself_is_not_over_it(part_bytes: int) -> None:
    whole, rest = divmod(MAX_REQUEST_BYTES, part_bytes)
    parts = [b"x" * part_bytes] * whole + [b"x" * rest]
    assert len(await read_body(Sender(iter(parts)), LONG)) == MAX_REQUEST_BYTES
    with pytest.raises(BodyTooLargeError):
        await read_body(Sender(iter([*parts, b"x"])), LONG)


async def test_of_an_endless_body_no_more_than_a_limit_is_taken() -> None:
    sender = Sender(iter(lambda: b"x" * 10_000, b""))
    with pytest.raises(BodyTooLargeError):
        await read_body(sender, LONG)
    assert sender.taken_bytes <= DRAIN_BYTES + 10_000


async def test_a_sender_that_goes_away_is_not_taken_for_a_message() -> None:
    with pytest.raises(TooSlowError):
        await read_body(Sender(iter([b"from=1&body=ST"]), ends=False), LONG)


async def test_a_sender_that_stops_in_the_middle_is_given_up() -> None:
    async def never() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(TooSlowError):
        await read_body(never, Deadlines(0.01))
