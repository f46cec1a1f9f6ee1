"""The fence on a real Kafka: nothing that was acknowledged before a batch came is unknown when the batch is decided."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from cache_world import OptOutService, Record, check, following, knows, phones_in, until

from harness.stack.embedded import EmbeddedBackend
from shared.errors import TransientError
from shared.events.codec import encode
from shared.events.suppression import WATERMARK_KEY, MarkersPassed
from shared.suppressions.fence import Fence
from shared.suppressions.follow import CacheFollower
from shared.suppressions.lookup import query
from shared.suppressions.markers import Markers
from shared.topics import SUPPRESSIONS

PHONES = phones_in(0, 300)


async def ready(cache: CacheFollower) -> None:
    await until("a ready cache", lambda: cache.healthy)


async def appended(opt_out: OptOutService, marker: int) -> bool:
    return await opt_out.inbound_end(0) > marker


async def test_it_does_not_pass_before_the_watermark_is_beyond_its_marker(
    bootstrap: str, opt_out: OptOutService, marking: AIOKafkaProducer, account: str, tmp_path: Path
) -> None:
    async with following(bootstrap, tmp_path) as cache:
        await ready(cache)
        marker = await opt_out.inbound_end(0)
        passing = asyncio.create_task(Fence(Markers(marking, "stopline/test"), cache, 30).wait({0}))
        await until("the marker", lambda: appended(opt_out, marker))
        await opt_out.publish([opt_out.change(account, PHONES[0]), opt_out.watermark(0, marker)])
        await until("what is published with the watermark", lambda: knows(cache, account, PHONES[0]))
        assert not passing.done()
        await opt_out.publish([opt_out.watermark(0, marker + 1)])
        await asyncio.wait_for(passing, 30)


async def test_a_pass_ends_where_a_replay_publishes_an_older_watermark(
    bootstrap: str, opt_out: OptOutService, marking: AIOKafkaProducer, account: str, tmp_path: Path
) -> None:
    """A restored database: old states come again while the fence of another partition is still waited for."""
    async with following(bootstrap, tmp_path) as cache:
        await ready(cache)
        async with opt_out.deciding(lambda: [opt_out.change(account, PHONES[0])]):
            passed = await Fence(Markers(marking, "stopline/test"), cache, 30).wait({0})
        hit = query(account, ("list:1",), 0, PHONES[0])
        assert cache.check(passed, [hit]).hits[0] is not None
        stale = opt_out.published(account, PHONES[0], "opted_in")
        await opt_out.publish([opt_out.watermark(0, passed.markers[0]), stale])
        await until("the stale state", lambda: not knows(cache, account, PHONES[0]))
        with pytest.raises(TransientError, match="went back"):
            cache.check(passed, [hit])
        await opt_out.publish([opt_out.change(account, PHONES[0])])


async def test_without_a_watermark_it_ends_with_an_error(
    bootstrap: str, marking: AIOKafkaProducer, tmp_path: Path
) -> None:
    async with following(bootstrap, tmp_path) as cache:
        await ready(cache)
        with pytest.raises(TransientError, match="within"):
            await Fence(Markers(marking, "stopline/test"), cache, 0.5).wait({0, 1})


async def test_an_aborted_watermark_lets_nobody_pass(
    bootstrap: str, opt_out: OptOutService, marking: AIOKafkaProducer, account: str, tmp_path: Path
) -> None:
    async with following(bootstrap, tmp_path) as cache:
        await ready(cache)
        passing = asyncio.create_task(Fence(Markers(marking, "stopline/test"), cache, 30).wait({0}))
        await opt_out.publish([opt_out.watermark(0, 10**9)], abort=True)
        await opt_out.publish([opt_out.change(account, PHONES[0])])
        await until("what is published behind it", lambda: knows(cache, account, PHONES[0]))
        assert not passing.done()
        passing.cancel()
        await asyncio.wait([passing])


async def test_markers_passed_without_a_transaction_let_it_pass_where_no_successor_has_published(
    bootstrap: str, opt_out: OptOutService, marking: AIOKafkaProducer, account: str, tmp_path: Path
) -> None:
    """The zombie's append comes after its successor's watermark, which a replay of old states has moved back."""
    ours, successors = "a" * 16, "b" * 16

    async def pass_markers(next_offset: int) -> None:
        passed = encode(MarkersPassed(next_offset=next_offset, settings_epoch=ours))
        await marking.send_and_wait(SUPPRESSIONS, passed, WATERMARK_KEY, partition=0)

    async with following(bootstrap, tmp_path) as cache:
        await ready(cache)
        fence = Fence(Markers(marking, "stopline/test"), cache, 30)
        end = await opt_out.inbound_end(0)
        await opt_out.publish([opt_out.watermark_of(ours, 0, end)])
        passing = asyncio.create_task(fence.wait({0}))
        await until("the marker", lambda: appended(opt_out, end))
        await pass_markers(end + 1)
        await asyncio.wait_for(passing, 30)
        passing = asyncio.create_task(fence.wait({0}))
        await until("the marker", lambda: appended(opt_out, end + 1))
        await opt_out.publish([opt_out.watermark_of(successors, 0, end - 1)])
        await pass_markers(end + 2)
        await opt_out.publish([opt_out.change(account, PHONES[0])])
        await until("what is published after it", lambda: knows(cache, account, PHONES[0]))
        assert not passing.done()
        await opt_out.publish([opt_out.watermark_of(successors, 0, end + 2)])
        await asyncio.wait_for(passing, 30)


async def test_whoever_passes_knows_every_opt_out_that_was_there_when_it_came(
    bootstrap: str, opt_out: OptOutService, marking: AIOKafkaProducer, account: str, tmp_path: Path
) -> None:
    """Batches come all the time; what the markers carry to the opt-out service, it publishes with the watermark."""
    undecided: list[str] = []

    def decided() -> Iterable[Record]:
        records = [opt_out.change(account, phone) for phone in undecided]
        undecided.clear()
        return records

    async def batch(number: int) -> None:
        undecided.append(PHONES[number])
        await fence.wait({0})
        assert check(cache, account, PHONES[number]) is not None

    async with following(bootstrap, tmp_path) as cache, opt_out.deciding(decided):
        await ready(cache)
        fence = Fence(Markers(marking, "stopline/test"), cache, 30)
        before = await opt_out.inbound_end(0)
        for first in range(0, len(PHONES), 30):
            await asyncio.gather(*(batch(first + number) for number in range(30)))
        assert await opt_out.inbound_end(0) - before <= 2 * len(PHONES) // 30, "batches must share markers"


async def test_it_passes_again_after_kafka_was_killed(
    cache_backend: EmbeddedBackend, opt_out: OptOutService, marking: AIOKafkaProducer, tmp_path: Path
) -> None:
    async def passes() -> bool:
        try:
            await fence.wait({0, 1, 2})
        except TransientError:
            return False
        return True

    async with following(cache_backend.kafka_bootstrap, tmp_path) as cache, opt_out.deciding():
        await ready(cache)
        fence = Fence(Markers(marking, "stopline/test"), cache, 5)
        assert await passes()
        await cache_backend.kill_kafka()
        await cache_backend.start_kafka()
        await until("a pass", passes, seconds=60)
