"""Kafka away, frozen, back; the service killed between two steps."""

import time

import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from inbound_world import PARTITIONS, Gateway, answers, headers_of, is_ready, stop_of, until, value_of

from harness.stack.embedded import EmbeddedBackend
from harness.stack.service import Service
from shared.settings import KafkaSettings
from shared.topics import INBOUND_MESSAGES, PARKED_MESSAGES, topics

pytestmark = pytest.mark.timeout(180)


async def assert_unavailable(gateway: Gateway, fields: dict[str, str]) -> None:
    started = time.monotonic()
    answer = await gateway.post_form(fields)
    took = time.monotonic() - started
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert took < 2.0


async def accepted_at_last(gateway: Gateway, fields: dict[str, str]) -> str:
    found: list[str] = []

    async def is_accepted() -> bool:
        answer = await gateway.post_form(fields)
        if answer.status_code == 200:
            found.append(answer.json()["event_id"])
        return bool(found)

    await until("the webhook is accepted", is_accepted, 60)
    return found[0]


async def test_kafka_killed_is_503_within_two_seconds_and_the_webhook_is_accepted_when_it_is_back(
    service: Service, its_gateway: Gateway, backend: EmbeddedBackend
) -> None:
    await service.start()
    before, during, bad = stop_of(), stop_of("+61411111112"), {"from": "abc", "body": "STOP"}
    assert (await its_gateway.post_form(before)).status_code == 200
    await backend.kill_kafka()
    try:
        await assert_unavailable(its_gateway, during)
        await assert_unavailable(its_gateway, bad)  # not refused before its bytes are safe
        assert await answers(f"{service.url}/health/ready") == 503
        assert await answers(f"{service.url}/health/live") == 200
    finally:
        await backend.start_kafka()
    event_id = await accepted_at_last(its_gateway, during)
    assert (await its_gateway.post_form(bad)).status_code == 422
    records = await its_gateway.records()
    assert {value_of(record)["event_id"] for record in records if record.key == b"+61411111112"} == {event_id}
    assert len({headers_of(record)["parked_id"] for record in records if record.topic == PARKED_MESSAGES}) == 1
    assert await is_ready(service)


async def test_an_outage_of_longer_than_a_connection_lives_ends_too(
    service: Service, its_gateway: Gateway, backend: EmbeddedBackend
) -> None:
    await service.start()
    await backend.kill_kafka()
    try:
        ends = time.monotonic() + 12  # RENEW_AFTER_SECONDS and a little
        while time.monotonic() < ends:
            await assert_unavailable(its_gateway, stop_of())
    finally:
        await backend.start_kafka()
    await accepted_at_last(its_gateway, stop_of())
    await until("ready", lambda: is_ready(service))


async def test_a_frozen_kafka_is_503_and_its_return_is_noticed_without_another_webhook(
    service: Service, its_gateway: Gateway, backend: EmbeddedBackend
) -> None:
    await service.start()
    await backend.pause_kafka()
    try:
        await assert_unavailable(its_gateway, stop_of())
        assert not await is_ready(service)
    finally:
        await backend.resume_kafka()
    await until("ready", lambda: is_ready(service))
    assert (await its_gateway.post_form(stop_of())).status_code == 200


async def test_a_start_without_kafka_waits_for_it_answering_503(
    service: Service, its_gateway: Gateway, backend: EmbeddedBackend
) -> None:
    await backend.kill_kafka()
    try:
        await service.start(wait=False)

        async def lives() -> bool:
            return await answers(f"{service.url}/health/live") == 200

        await until("the service answers", lives)
        await assert_unavailable(its_gateway, stop_of())
        assert not await is_ready(service)
    finally:
        await backend.start_kafka()
    await until("ready", lambda: is_ready(service))
    assert (await its_gateway.post_form(stop_of())).status_code == 200


async def test_a_record_refused_for_good_costs_one_connection_and_the_next_one_works(
    service: Service, its_gateway: Gateway, backend: EmbeddedBackend
) -> None:
    await service.start()
    settings = KafkaSettings(kafka_bootstrap=backend.kafka_bootstrap, partitions=PARTITIONS)
    [inbound] = [topic for topic in topics(settings) if topic.name == INBOUND_MESSAGES]
    await set_configs(backend.kafka_bootstrap, INBOUND_MESSAGES, {**inbound.configs, "max.message.bytes": "100"})
    try:
        await until("Kafka refuses the record", lambda: is_answered_503(its_gateway))
    finally:
        await set_configs(backend.kafka_bootstrap, INBOUND_MESSAGES, inbound.configs)
    await accepted_at_last(its_gateway, stop_of())
    assert "the connection is reopened" in service.process.log_path.read_text()


async def is_answered_503(gateway: Gateway) -> bool:
    return (await gateway.post_form(stop_of())).status_code == 503


async def set_configs(bootstrap: str, topic: str, configs: dict[str, str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs)])
    finally:
        await admin.close()


@pytest.mark.parametrize(("place", "in_kafka"), [("before_publish", 0), ("after_publish", 1)])
async def test_a_webhook_that_a_kill_left_unanswered_is_the_same_event_when_it_is_repeated(
    place: str, in_kafka: int, service: Service, its_gateway: Gateway
) -> None:
    fields = stop_of()
    await service.start(failpoint=f"inbound.{place}=kill")
    with pytest.raises(httpx.TransportError):
        await its_gateway.post_form(fields)
    assert await service.wait_exit() == -9
    left = await its_gateway.records()
    assert [record.topic for record in left] == [INBOUND_MESSAGES] * in_kafka
    await service.start()
    event_id = (await its_gateway.post_form(fields)).json()["event_id"]
    records = await its_gateway.records()
    assert len(records) == in_kafka + 1
    assert {value_of(record)["event_id"] for record in records} == {event_id}
