"""The topic under the cache is compacted by Kafka, or recreated by a person."""

import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from cache_world import PARTITIONS, OptOutService, check, following, knows, phones_in, until

from harness.stack.embedded import EmbeddedBackend
from shared.errors import TransientError
from shared.events.suppression import SuppressionChanged, suppression_event_adapter
from shared.kafka import new_consumer
from shared.suppressions.fence_pass import FencePass, boottime
from shared.suppressions.follow import CacheFollower
from shared.suppressions.lookup import CheckedSuppressions
from shared.topics import INBOUND_MESSAGES, SUPPRESSIONS

PHONES = phones_in(0, 40)
ACCOUNT = "acme"
QUICKLY_COMPACTED = {"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.01"}


@pytest.fixture(scope="module")
async def own_bootstrap() -> AsyncIterator[str]:
    async with EmbeddedBackend(durable=False, say=lambda _: None) as running:
        await make_topic(running.kafka_bootstrap)
        async with admin_of(running.kafka_bootstrap) as admin:
            await admin.create_topics([NewTopic(INBOUND_MESSAGES, PARTITIONS, 1)])
        yield running.kafka_bootstrap


@asynccontextmanager
async def admin_of(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def make_topic(bootstrap: str) -> None:
    async with admin_of(bootstrap) as admin:
        await until("the topic", lambda: made(admin))


async def made(admin: AIOKafkaAdminClient, topic: str = SUPPRESSIONS) -> bool:
    configs = QUICKLY_COMPACTED if topic == SUPPRESSIONS else {}
    await admin.create_topics([NewTopic(topic, PARTITIONS, 1, topic_configs=configs)])
    (described,) = await admin.describe_topics([topic])
    return described["error_code"] == 0 and len(described["partitions"]) == PARTITIONS


@asynccontextmanager
async def opt_out_service(bootstrap: str) -> AsyncIterator[OptOutService]:
    service = OptOutService(bootstrap)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


async def has_forgotten(bootstrap: str, phones: Collection[str]) -> bool:
    """Say whether the cleaner has been there: the opt-outs of phones that came back later are gone."""
    partition = TopicPartition(SUPPRESSIONS, 0)
    async with new_consumer(bootstrap) as consumer:
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        while await consumer.position(partition) < end:
            for record in (await consumer.getmany(timeout_ms=1_000)).get(partition, ()):
                published = suppression_event_adapter.validate_json(record.value)
                if (
                    isinstance(published, SuppressionChanged)
                    and published.phone in phones
                    and published.state == "opted_out"
                ):
                    return False
    return True


async def test_a_compacted_topic_is_read_whole_and_its_old_checkpoints_raise_no_false_alarm(
    own_bootstrap: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opt_out_service(own_bootstrap) as opt_out:
        await opt_out.publish([opt_out.change(ACCOUNT, phone) for phone in PHONES[:20]])
        await opt_out.publish([opt_out.checkpoint(0)])
        await opt_out.publish([opt_out.change(ACCOUNT, phone, "opted_in") for phone in PHONES[:10]])
        for phone in PHONES[20:]:
            await opt_out.publish([opt_out.change(ACCOUNT, phone), opt_out.watermark(0, 1)])
        await until("the cleaner", lambda: has_forgotten(own_bootstrap, PHONES[:10]), seconds=90)
        async with following(own_bootstrap, tmp_path) as cache:
            caplog.set_level(logging.INFO)
            await until("a difference", lambda: "10 keys here" in caplog.text)
            assert not cache.healthy, "a recreated topic has such a difference, too: the next checkpoint decides"
            await opt_out.publish([opt_out.checkpoint(0)])
            await until("a ready cache", lambda: cache.healthy)
            assert [check(cache, ACCOUNT, phone) is not None for phone in PHONES] == [False] * 10 + [True] * 30
            await opt_out.publish([opt_out.checkpoint(0), opt_out.change(ACCOUNT, PHONES[0])])
            await until("the suppression", lambda: knows(cache, ACCOUNT, PHONES[0]))
    assert "is wrong" not in caplog.text


async def recreate(bootstrap: str) -> None:
    async with admin_of(bootstrap) as admin:
        await admin.delete_topics([SUPPRESSIONS])
    await make_topic(bootstrap)


def asked(cache: CacheFollower) -> CheckedSuppressions:
    return cache.check(FencePass(datetime.now(UTC), boottime(), {}), [])


async def confirms(cache: CacheFollower) -> bool:
    try:
        await cache.verify_source(asked(cache))
    except TransientError:
        return False
    return True


async def test_a_recreated_topic_is_read_from_its_beginning_and_proves_nothing_before_a_checkpoint(
    own_bootstrap: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opt_out_service(own_bootstrap) as opt_out:
        await opt_out.publish([opt_out.change(ACCOUNT, phone) for phone in PHONES] + [opt_out.checkpoint(0)])
        async with following(own_bootstrap, tmp_path) as cache:
            await until("a ready cache", lambda: knows(cache, ACCOUNT, PHONES[-1]))
    await recreate(own_bootstrap)
    async with following(own_bootstrap, tmp_path) as cache:
        await until("a doubt", lambda: any("no checkpoint yet" in doubt for doubt in cache.doubts), seconds=60)
        assert "is not used: it is of" in caplog.text
        assert not cache.healthy
        async with opt_out_service(own_bootstrap):
            await until("a ready cache", lambda: cache.healthy)
            assert check(cache, ACCOUNT, PHONES[-1]) is None


async def test_a_recreated_topic_that_has_grown_past_the_snapshot_is_another_all_the_same(
    own_bootstrap: str, tmp_path: Path
) -> None:
    """The first opt-outs are at offsets that the snapshot's positions have passed."""
    async with opt_out_service(own_bootstrap) as opt_out:
        await opt_out.publish([opt_out.change(ACCOUNT, PHONES[0])])
        async with following(own_bootstrap, tmp_path) as cache:
            await until("a ready cache", lambda: knows(cache, ACCOUNT, PHONES[0]))
    await recreate(own_bootstrap)
    async with opt_out_service(own_bootstrap) as opt_out:
        await opt_out.publish([opt_out.change(ACCOUNT, phone) for phone in PHONES])
        for phone in PHONES:  # offsets grow by a commit marker each, and the topic past its old length
            await opt_out.publish([opt_out.change(ACCOUNT, phone)])
        async with following(own_bootstrap, tmp_path) as cache:
            await until("a ready cache", lambda: knows(cache, ACCOUNT, PHONES[0]))
            assert all(check(cache, ACCOUNT, phone) for phone in PHONES)


@pytest.mark.parametrize("topic", [SUPPRESSIONS, INBOUND_MESSAGES])
async def test_a_topic_recreated_while_it_is_followed_confirms_no_decision(
    topic: str, own_bootstrap: str, tmp_path: Path
) -> None:
    await recreate(own_bootstrap)
    async with opt_out_service(own_bootstrap) as opt_out, following(own_bootstrap, tmp_path) as cache:
        await until("a ready cache", lambda: cache.healthy)
        before = asked(cache)
        await cache.verify_source(before)
        async with admin_of(own_bootstrap) as admin:
            await admin.delete_topics([topic])
            with pytest.raises(TransientError):
                await cache.verify_source(before)
            await until("the topic", lambda: made(admin, topic))
        await opt_out.publish([opt_out.change(ACCOUNT, PHONES[0]), opt_out.checkpoint(0)])
        await opt_out.publish([opt_out.checkpoint(partition) for partition in range(1, PARTITIONS)])
        await until("the topic that is there now", lambda: confirms(cache))
        assert knows(cache, ACCOUNT, PHONES[0])
        with pytest.raises(TransientError, match="rebuilt"):
            await cache.verify_source(before)
