"""Whoever passes a fence is answered by the state as it is then: a doubt counts before the follower has said so."""

import asyncio
from datetime import UTC, datetime

import pytest
from aiokafka import ConsumerRecord
from suppression_records import PARTITIONS, changed, phone_in, record, record_of

from shared.errors import TransientError
from shared.events.codec import encode
from shared.events.suppression import CHECKPOINT_KEY, WATERMARK_KEY, CheckpointPublished, WatermarkAdvanced
from shared.suppressions.fence_pass import FencePass
from shared.suppressions.snapshot import Origin
from shared.suppressions.state import CacheState

_EMPTY = CheckpointPublished(next_offset=0, suppressed_count=0, digest="0" * 16)
_ONE_MORE = CheckpointPublished(next_offset=4, suppressed_count=1, digest="00000000000000ff")
_WATERMARK = record(WATERMARK_KEY, encode(WatermarkAdvanced(next_offset=5)), offset=3)
_DIFFERS = record(CHECKPOINT_KEY, encode(_ONE_MORE), offset=2)
_UNREADABLE = record(changed(phone_in(0)).key(), b"{", offset=2)


async def proven_state() -> CacheState:
    state = CacheState(Origin("cluster", "suppressions", PARTITIONS))
    for each in state.partitions:
        await each.apply([record(CHECKPOINT_KEY, encode(_EMPTY))], 1)
    return state


def fence_pass(*partitions: int) -> FencePass:
    return FencePass(datetime.now(UTC), 0.0, dict.fromkeys(partitions, 4))


@pytest.mark.parametrize("doubtful", [_DIFFERS, _UNREADABLE], ids=["a checkpoint that differs", "an unreadable record"])
async def test_the_watermark_after_a_doubt_lets_nobody_decide(
    doubtful: ConsumerRecord[bytes | None, bytes | None],
) -> None:
    """It wakes the waiter while the follower still reads what came with it."""
    state = await proven_state()
    waiting = asyncio.create_task(state.watermarks.wait_for(0, 5))
    await asyncio.sleep(0)
    await state.partitions[0].apply([doubtful, _WATERMARK], 4)
    await waiting
    with pytest.raises(TransientError, match="not ready"):
        state.passed(fence_pass(0))


async def test_a_doubt_about_another_partition_is_left_to_the_follower() -> None:
    state = await proven_state()
    await state.partitions[0].apply([record_of(changed(phone_in(0)), 1), _DIFFERS], 3)
    await state.partitions[1].apply([_WATERMARK], 4)
    assert state.passed(fence_pass(1)) is state
