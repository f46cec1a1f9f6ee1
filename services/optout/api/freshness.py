"""Freshness: how far the record is, by tokens, and reads that are at least as fresh as one."""

import asyncio
import re
from collections.abc import Iterable

from services.optout.api.errors import ApiError
from services.optout.api.requests import Token
from shared.postgres import Pool, connection_from

EFFECT_SECONDS = 5.0
"""How long a change or a read waits for the record."""
_POLL_SECONDS = 0.01
_MAX_TOKENS = 32
_TOKEN = re.compile(r"([0-9]{1,5}):([0-9]{1,18})")
_POSITIONS = "SELECT partition, next_offset FROM partition_positions"


class Freshness:
    """The positions of the record; one query serves everybody who waits."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._reading: asyncio.Task[dict[int, int]] | None = None

    async def wait(self, tokens: Iterable[Token], seconds: float = EFFECT_SECONDS) -> bool:
        """Wait until the record has what the tokens name; return whether it has within `seconds`."""
        latest: dict[int, int] = {}
        for token in tokens:
            latest[token.partition] = max(latest.get(token.partition, -1), token.offset)
        try:
            async with asyncio.timeout(seconds):
                while not await self._has(latest):  # noqa: ASYNC110 (another process moves it)
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            return False
        return True

    async def _has(self, latest: dict[int, int]) -> bool:
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        positions = await asyncio.shield(self._reading)
        return all(positions.get(partition, 0) > offset for partition, offset in latest.items())

    async def _read(self) -> dict[int, int]:
        async with connection_from(self._pool) as connection:
            return {row["partition"]: row["next_offset"] for row in await connection.fetch(_POSITIONS)}


def tokens_of(text: str, partitions: int) -> list[Token]:
    """Read tokens as an answer gives them, separated by commas.

    Raises:
        ApiError: they are not tokens of ours.
    """
    parts = text.split(",") if len(text) <= _MAX_TOKENS * 32 else []
    found = [_TOKEN.fullmatch(part.strip()) for part in parts]
    tokens = [Token(int(match[1]), int(match[2])) for match in found if match]
    if not tokens or len(tokens) != len(parts) or any(token.partition >= partitions for token in tokens):
        message = "at_least_as_fresh: use the `token` of an answer, unchanged, such as 3:1042"
        raise ApiError(422, "invalid", message, "at_least_as_fresh")
    return tokens
