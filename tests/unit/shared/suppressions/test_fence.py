"""The fence: a batch passes with a marker that was appended after it began to wait, and shares it with others."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import TransientError
from shared.events.codec import Headers, decode
from shared.events.inbound import FenceMarkerAppended, inbound_event_adapter
from shared.suppressions.fence import Fence
from shared.suppressions.fence_pass import FRESH_SECONDS, boottime
from shared.suppressions.markers import OFFSET_UNKNOWN, Markers
from shared.suppressions.watermarks import Watermarks


@dataclass
class Log:
    """The inbound topic and the cache that follows it, both moved by the test."""

    ends: dict[int, int] = field(default_factory=dict)
    watermarks: Watermarks = field(default_factory=lambda: Watermarks([0, 0, 0]))
    acknowledging: asyncio.Event = field(default_factory=asyncio.Event)
    offsets: list[int] = field(default_factory=list)
    appended: list[tuple[int, int]] = field(default_factory=list)
    in_flight: int = 0

    async def send_and_wait(self, topic: str, value: bytes | None = None, *, partition: int, headers: Headers) -> Any:
        assert topic == "inbound-messages"
        assert isinstance(decode(inbound_event_adapter, value), FenceMarkerAppended)
        assert dict(headers)["ce_type"] == b"stopline.inbound.fence_marker_appended.v1"
        offset = self.offsets.pop(0) if self.offsets else self.ends.get(partition, 0)
        self.ends[partition] = offset + 1
        self.appended.append((partition, offset))
        await self.acknowledging.wait()
        return SimpleNamespace(offset=offset)

    def watermark(self, partition: int) -> int:
        return self.watermarks.next_offsets[partition]

    async def wait_for_watermark(self, partition: int, next_offset: int) -> None:
        await self.watermarks.wait_for(partition, next_offset)

    def decide(self, partition: int, next_offset: int | None = None) -> None:
        self.watermarks.advance(partition, self.ends[partition] if next_offset is None else next_offset)


@pytest.fixture
async def log() -> Log:
    found = Log()
    found.acknowledging.set()
    return found


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)  # gives the other tasks their turn


async def passing(fence: Fence, *partitions: int) -> "asyncio.Task[Any]":
    task = asyncio.create_task(fence.wait(partitions))
    await settle()
    return task


async def test_it_passes_only_when_its_own_marker_is_decided(log: Log) -> None:
    log.ends[0] = 4
    task = await passing(Fence(Markers(log, "stopline/test"), log, 10), 0)
    log.decide(0, 4)
    await settle()
    assert not task.done()
    log.decide(0, 5)
    await task


async def test_it_waits_for_every_partition_concerned_and_for_no_other(log: Log) -> None:
    task = await passing(Fence(Markers(log, "stopline/test"), log, 10), 0, 2)
    assert sorted(log.appended) == [(0, 0), (2, 0)]
    log.decide(0)
    await settle()
    assert not task.done()
    log.decide(2)
    await task


async def test_no_partitions_pass_at_once(log: Log) -> None:
    await Fence(Markers(log, "stopline/test"), log, 10).wait(())
    assert log.appended == []


async def test_batches_that_wait_before_the_marker_is_appended_share_it(log: Log) -> None:
    fence = Fence(Markers(log, "stopline/test"), log, 10)
    tasks = [asyncio.create_task(fence.wait({0})) for _ in range(50)]
    await settle()
    assert log.appended == [(0, 0)]
    log.decide(0)
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("acknowledged", [False, True])
async def test_a_batch_that_comes_while_a_marker_is_in_flight_waits_for_the_next_one(
    log: Log,
    acknowledged: bool,  # noqa: FBT001 (pytest gives it)
) -> None:
    if not acknowledged:
        log.acknowledging.clear()
    fence = Fence(Markers(log, "stopline/test"), log, 10)
    first = await passing(fence, 0)
    late = [await passing(fence, 0), await passing(fence, 0)]
    assert log.appended == [(0, 0)]
    log.acknowledging.set()
    log.decide(0)
    await first
    await settle()
    assert log.appended == [(0, 0), (0, 1)]
    assert not any(task.done() for task in late)
    log.decide(0)
    await asyncio.gather(*late)


async def test_one_slow_partition_does_not_hold_up_another(log: Log) -> None:
    fence = Fence(Markers(log, "stopline/test"), log, 10)
    slow, quick = await passing(fence, 0), await passing(fence, 1)
    log.decide(1)
    await quick
    assert not slow.done()
    log.decide(0)
    await slow


async def test_the_decision_starts_before_the_marker_is_appended(log: Log) -> None:
    before = boottime()
    log.acknowledging.clear()
    task = await passing(Fence(Markers(log, "stopline/test"), log, 10), 0)
    appended = boottime()
    log.acknowledging.set()
    log.decide(0)
    passed = await task
    assert before <= passed.started_boottime <= appended
    assert passed.started_at.tzinfo is not None
    assert passed.write_by < appended + FRESH_SECONDS


async def test_past_the_deadline_nothing_may_be_decided_and_the_next_batch_gets_a_new_marker(log: Log) -> None:
    fence = Fence(Markers(log, "stopline/test"), log, 1)
    with pytest.raises(TransientError, match="within"):
        await fence.wait({0})
    task = await passing(fence, 0)
    assert log.appended == [(0, 0), (0, 1)]
    log.decide(0)
    await task


async def test_a_cache_that_fails_fails_all_who_wait(log: Log) -> None:
    fence = Fence(Markers(log, "stopline/test"), log, 10)
    tasks = [await passing(fence, 0), await passing(fence, 0)]
    log.watermarks.fail("a checkpoint differs")
    with pytest.raises(TransientError, match="differs"):
        await tasks[0]
    await settle()
    log.watermarks.fail("a checkpoint differs")
    with pytest.raises(TransientError, match="differs"):
        await tasks[1]


@pytest.mark.parametrize(
    ("decided", "offset", "why"),
    [
        (1000, 3, "has the topic lost records"),
        (5, 4, "has the topic lost records"),
        (0, OFFSET_UNKNOWN, "does not say where the marker is"),
    ],
)
async def test_a_marker_that_is_not_after_what_was_decided_before_it_does_not_pass(
    log: Log, decided: int, offset: int, why: str
) -> None:
    log.decide(0, decided)
    log.offsets = [offset]
    with pytest.raises(TransientError, match=why):
        await Fence(Markers(log, "stopline/test"), log, 10).wait({0})


async def test_who_gives_up_takes_no_marker_away_from_others(log: Log) -> None:
    fence = Fence(Markers(log, "stopline/test"), log, 10)
    gone, stays = asyncio.create_task(fence.wait({0})), asyncio.create_task(fence.wait({0}))
    await settle()
    gone.cancel()
    await asyncio.wait([gone])
    log.decide(0)
    await stays
    assert log.appended == [(0, 0)]


@given(st.lists(st.sampled_from(["arrive", "acknowledge", "decide", "tick"]), max_size=40))
def test_whatever_happens_in_which_order_nobody_passes_with_an_older_marker(steps: Sequence[str]) -> None:
    asyncio.run(_play(steps))


async def _play(steps: Sequence[str]) -> None:
    log = Log()
    fence = Fence(Markers(log, "stopline/test"), log, 10)
    waiting: list[tuple[int, asyncio.Task[Any]]] = []
    for step in steps:
        match step:
            case "arrive":
                # What is appended from here on is what this batch may pass with.
                waiting.append((len(log.appended), asyncio.create_task(fence.wait({0}))))
            case "acknowledge":
                log.acknowledging.set()
                await settle()
                log.acknowledging.clear()
            case "decide":
                log.decide(0, log.ends.get(0, 0))
            case _:
                await asyncio.sleep(0)  # gives the other tasks their turn
        for appended_before, task in waiting:
            if task.done():
                assert len(log.appended) > appended_before, "it passed with a marker from before it arrived"
                assert log.watermark(0) > log.appended[appended_before][1]
    log.acknowledging.set()
    while not all(task.done() for _, task in waiting):
        await settle()
        log.decide(0, log.ends.get(0, 0))
    assert len(log.appended) <= len(waiting)
