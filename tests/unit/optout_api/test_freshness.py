"""When the record is as fresh as a token: once it is past the place that the token names, and not before."""

from typing import Any, cast

import pytest

from services.optout.api.freshness import Freshness
from services.optout.api.requests import Token

_SOON = 0.1


class Read(Freshness):
    """The freshness of a record with these positions, one after the other; the last one stays."""

    def __init__(self, *positions: dict[int, int]) -> None:
        super().__init__(cast("Any", None))
        self.positions = list(positions)

    async def _read(self) -> dict[int, int]:
        return self.positions.pop(0) if len(self.positions) > 1 else self.positions[0]


@pytest.mark.parametrize(
    ("positions", "is_fresh"),
    [({3: 1043}, True), ({3: 1042}, False), ({3: 1041}, False), ({2: 9999}, False), ({}, False)],
)
async def test_the_next_offset_to_record_is_after_the_token(positions: dict[int, int], is_fresh: bool) -> None:  # noqa: FBT001
    assert await Read(positions).wait([Token(3, 1042)], _SOON) == is_fresh


async def test_all_tokens_are_waited_for_and_of_one_partition_the_latest() -> None:
    tokens = [Token(3, 9), Token(3, 7), Token(4, 1)]
    assert not await Read({3: 10, 4: 1}).wait(tokens, _SOON)
    assert not await Read({3: 8, 4: 2}).wait(tokens, _SOON)
    assert await Read({3: 10, 4: 2}).wait(tokens, _SOON)


async def test_it_is_looked_again_until_the_record_is_there() -> None:
    record = Read({3: 7}, {3: 7}, {3: 8})
    assert await record.wait([Token(3, 7)])
    assert record.positions == [{3: 8}]
