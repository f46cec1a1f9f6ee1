"""The cache on a real Kafka: what it knows, when it refuses to answer, and how it gets well again."""

import logging
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from cache_world import UNFENCED, OptOutService, check, following, knows, phones_in, until

from harness.stack.embedded import EmbeddedBackend
from services.sender import metrics
from shared.errors import TransientError
from shared.events.suppression import CHECKPOINT_KEY
from shared.suppressions.ask import Asking
from shared.suppressions.keep import SNAPSHOT_FILE
from shared.suppressions.keys import OPTED_OUT, cache_key
from shared.suppressions.lookup import SuppressionHit
from shared.suppressions.markers import Markers

PHONE, OTHER = phones_in(0, 2)


def records_read() -> float:
    return float(metrics.CACHE.records._value.get())


async def test_it_knows_whom_not_to_message_and_why(
    bootstrap: str, opt_out: OptOutService, account: str, tmp_path: Path
) -> None:
    async with following(bootstrap, tmp_path) as cache:
        await opt_out.publish([opt_out.change(account, PHONE), opt_out.change(account, OTHER, "held", "account")])
        await until("the suppressions", lambda: knows(cache, account, OTHER, "account"))
        assert check(cache, account, PHONE) == SuppressionHit("list:1", "opted_out")
        assert check(cache, account, OTHER, "account") == SuppressionHit("account", "held")
        assert check(cache, account, OTHER) is None
        await opt_out.publish([opt_out.change(account, PHONE, "opted_in")])
        await until("the opt-in", lambda: not knows(cache, account, PHONE))


async def test_before_it_has_read_the_topic_it_answers_nothing(bootstrap: str, tmp_path: Path) -> None:
    async with following(bootstrap, tmp_path) as cache:
        assert not cache.healthy
        with pytest.raises(TransientError, match="not read"):
            cache.check(UNFENCED, [])
        with pytest.raises(TransientError, match="not read"):
            await cache.wait_for_watermark(0, 0)


async def test_an_aborted_transaction_was_never_there(
    bootstrap: str, opt_out: OptOutService, account: str, tmp_path: Path
) -> None:
    async with following(bootstrap, tmp_path) as cache:
        await opt_out.publish([opt_out.published(account, PHONE), opt_out.watermark(0, 10**6)], abort=True)
        await opt_out.publish([opt_out.change(account, OTHER)])
        await until("the suppression behind it", lambda: knows(cache, account, OTHER))
        assert check(cache, account, PHONE) is None
        assert cache.watermark(0) < 10**6


async def test_a_restart_reads_the_snapshot_and_the_tail(
    bootstrap: str, opt_out: OptOutService, account: str, tmp_path: Path
) -> None:
    phones = phones_in(1, 500)
    async with following(bootstrap, tmp_path) as cache:
        await opt_out.publish([opt_out.change(account, phone) for phone in phones[:-1]])
        await until("the suppressions", lambda: knows(cache, account, phones[-2]))
    assert (tmp_path / SNAPSHOT_FILE).exists()
    await opt_out.publish([opt_out.change(account, phones[-1]), opt_out.change(account, phones[0], "opted_in")])
    before = records_read()
    async with following(bootstrap, tmp_path) as cache:
        await until("the tail", lambda: knows(cache, account, phones[-1]))
        assert records_read() - before == 2
        assert [check(cache, account, phone) is None for phone in phones] == [True] + [False] * 499


async def test_a_snapshot_that_is_not_whole_is_not_missed(
    bootstrap: str, opt_out: OptOutService, account: str, tmp_path: Path
) -> None:
    async with following(bootstrap, tmp_path) as cache:
        await opt_out.publish([opt_out.change(account, PHONE)])
        await until("the suppression", lambda: knows(cache, account, PHONE))
    path = tmp_path / SNAPSHOT_FILE
    path.write_bytes(path.read_bytes()[:-1])
    async with following(bootstrap, tmp_path) as cache:
        await until("the whole topic", lambda: knows(cache, account, PHONE))


async def test_snapshots_are_written_while_it_runs(
    bootstrap: str, opt_out: OptOutService, account: str, tmp_path: Path
) -> None:
    async with following(bootstrap, tmp_path, snapshot_seconds=0.1) as cache:
        await opt_out.publish([opt_out.change(account, PHONE)])
        await until("the suppression", lambda: knows(cache, account, PHONE))
        await until("a snapshot", (tmp_path / SNAPSHOT_FILE).exists)


async def test_a_cache_that_differs_from_a_checkpoint_stops_is_rebuilt_and_says_so(
    bootstrap: str, opt_out: OptOutService, account: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with following(bootstrap, tmp_path, snapshot_seconds=0.1) as cache:
        await opt_out.publish([opt_out.change(account, PHONE)])
        await until("the suppression", lambda: knows(cache, account, PHONE))
        await until("a snapshot", (tmp_path / SNAPSHOT_FILE).exists)
        assert cache._state is not None
        cache._state.cache.apply(account, "list:1", [(cache_key(0, OTHER), OPTED_OUT)])
        diverged = metrics.CACHE.diverged._value.get()
        await opt_out.publish([opt_out.checkpoint(0)])
        await until("the alarm", lambda: metrics.CACHE.diverged._value.get() == diverged + 1)
        await until("a cache that is right again", lambda: cache.healthy)
        assert check(cache, account, PHONE) is not None
        assert check(cache, account, OTHER) is None
    assert "is wrong; it is rebuilt, nothing is sent meanwhile: partition 0" in caplog.text


async def test_while_a_checkpoint_differs_nothing_is_answered(
    bootstrap: str, opt_out: OptOutService, account: str, tmp_path: Path
) -> None:
    async with following(bootstrap, tmp_path) as cache:
        await until("a ready cache", lambda: cache.healthy)
        waiting = cache.watermark(0) + 10**6
        await opt_out.publish([opt_out.change(account, PHONE), opt_out.checkpoint(0, too_many=1)])
        with pytest.raises(TransientError, match="differ"):
            await cache.wait_for_watermark(0, waiting)
        with pytest.raises(TransientError):
            check(cache, account, PHONE)
        await opt_out.publish([opt_out.checkpoint(0)])
        await until("the suppression", lambda: knows(cache, account, PHONE))


@pytest.mark.parametrize("value", [None, b"{}", b"\xff"])
async def test_a_suppression_that_somebody_overwrote_stops_it_until_it_is_published_again(
    bootstrap: str, opt_out: OptOutService, account: str, tmp_path: Path, value: bytes | None
) -> None:
    async with following(bootstrap, tmp_path) as cache:
        partition, key, right = opt_out.change(account, PHONE)
        await opt_out.publish([(partition, key, right)])
        await until("the suppression", lambda: knows(cache, account, PHONE))
        await opt_out.publish([(partition, key, value)])
        await until("the doubt", lambda: not cache.healthy)
        assert "offset" in cache.doubts[0]
        with pytest.raises(TransientError):
            check(cache, account, PHONE)
    assert not (tmp_path / SNAPSHOT_FILE).exists(), "a cache with a doubt is not to be kept"
    async with following(bootstrap, tmp_path) as cache:
        await until("the doubt after a restart", lambda: "offset" in cache.doubts[0])
        await opt_out.publish([(partition, key, right)])
        await until("the suppression", lambda: knows(cache, account, PHONE))


@pytest.mark.parametrize("key", [b"nonsense", b"acme|list:1|+14155550100", CHECKPOINT_KEY])
async def test_a_checkpoint_after_what_cannot_be_read_ends_the_doubt_and_is_asked_for(
    bootstrap: str, opt_out: OptOutService, account: str, tmp_path: Path, key: bytes
) -> None:
    asked = Asked()
    async with following(bootstrap, tmp_path, asking=Asking(Markers(asked, "stopline/test"), 0.0)) as cache:
        await opt_out.publish([opt_out.change(account, PHONE)])
        await until("the suppression", lambda: knows(cache, account, PHONE))
        await opt_out.publish([(0, key, b"\xff")])
        await until("the doubt", lambda: not cache.healthy)
        await until("it asks", lambda: asked.partitions[-1:] == [0])
        await opt_out.publish([opt_out.checkpoint(0)])
        await until("it is sure again", lambda: knows(cache, account, PHONE))


class Asked:
    """A producer that keeps which partitions were asked for a checkpoint."""

    def __init__(self) -> None:
        self.partitions: list[int] = []

    async def send_and_wait(self, topic: str, value: bytes, *, partition: int, headers: object) -> SimpleNamespace:
        assert (topic, headers) != (None, None)
        assert b'"checkpoint_wanted":true' in value
        self.partitions.append(partition)
        return SimpleNamespace(offset=0)


async def test_after_a_killed_kafka_it_goes_on_by_itself(
    cache_backend: EmbeddedBackend, opt_out: OptOutService, account: str, tmp_path: Path
) -> None:
    phones = phones_in(2, 2)
    async with following(cache_backend.kafka_bootstrap, tmp_path) as cache:
        for phone in phones:
            await opt_out.publish([opt_out.change(account, phone)])
            await until("the suppression", partial(knows, cache, account, phone), seconds=60)
            read = records_read()
            await cache_backend.kill_kafka()
            await cache_backend.start_kafka()
        await opt_out.publish([opt_out.change(account, phones[0], "opted_in")])
        await until("the opt-in", lambda: cache.healthy and not knows(cache, account, phones[0]), seconds=60)
        assert records_read() - read <= 2, "it must go on where it was, not read the topic again"


async def test_a_frozen_kafka_is_noticed_and_nothing_is_answered(
    cache_backend: EmbeddedBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.suppressions.follow.STUCK_SECONDS", 0.5)
    monkeypatch.setattr("shared.suppressions.topic.SEND_SECONDS", 1.0)
    async with following(cache_backend.kafka_bootstrap, tmp_path) as cache:
        await until("a ready cache", lambda: cache.healthy)
        await cache_backend.pause_kafka()
        try:
            await until("the doubt", lambda: not cache.healthy)
        finally:
            await cache_backend.resume_kafka()
        await until("a ready cache again", lambda: cache.healthy, seconds=60)
