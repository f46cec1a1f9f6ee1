"""Webhooks as gateways post them, and the records that stand in Kafka by the time they are answered."""

import asyncio
import json
import subprocess
from datetime import UTC, datetime

import pytest
from inbound_world import PARTITIONS, Gateway, headers_of, stop_of, value_of

from shared.events.codec import decode
from shared.events.delivery import delivery_event_adapter
from shared.events.inbound import MessageReceived, inbound_event_adapter
from shared.partitions import partition_of
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES

PHONE = "+61411111111"


def curl(*words: str) -> tuple[int, str]:
    done = subprocess.run(
        ["curl", "-sS", "-w", "\n%{http_code}", *words], capture_output=True, text=True, check=True, timeout=30
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def urlencoded(fields: dict[str, str]) -> list[str]:
    return [word for name, value in fields.items() for word in ("--data-urlencode", f"{name}={value}")]


def as_json(fields: dict[str, str]) -> list[str]:
    return ["-H", "Content-Type: application/json", "--data-binary", json.dumps(fields)]


@pytest.mark.parametrize("written", [urlencoded, as_json])
async def test_a_stop_posted_with_curl_is_in_kafka_when_it_is_answered(written: object, gateway: Gateway) -> None:
    now = int(datetime.now(UTC).timestamp())
    fields = stop_of(
        PHONE,
        original_message_id="4A1C9E52",
        original_body="Sale today. Reply STOP to opt out",
        custom_string="order-4711",
        timestamp=str(now),
        user_id="1234",
        subaccount_id="5678",
    )
    status, body = curl(*written(fields), gateway.address())  # type: ignore[operator]
    [record] = await gateway.records()
    event = decode(inbound_event_adapter, record.value)
    assert isinstance(event, MessageReceived)
    assert (status, json.loads(body)) == (200, {"status": "accepted", "event_id": str(event.event_id)})
    assert (record.topic, record.key, record.partition) == (
        INBOUND_MESSAGES,
        PHONE.encode(),
        partition_of(PHONE, PARTITIONS),
    )
    assert (event.phone, event.sender_number, event.body) == (PHONE, "+61422222222", "STOP")
    assert (event.replied_message_id, event.replied_carrier_message_id) == ("order-4711", "4A1C9E52")
    assert event.sent_at == datetime.fromtimestamp(now, UTC)
    headers = headers_of(record)
    assert headers == {
        "ce_specversion": "1.0",
        "ce_id": str(event.event_id),
        "ce_type": "stopline.inbound.message_received.v1",
        "ce_source": "stopline/inbound",
        "content-type": "application/json",
        "ce_time": headers["ce_time"],
    }


async def test_a_form_and_json_of_one_message_are_one_event(gateway: Gateway) -> None:
    fields = stop_of()
    first, second = await gateway.post_form(fields), await gateway.post_json(fields)
    assert first.json() == second.json()


async def test_the_generic_webhook(gateway: Gateway) -> None:
    answer = await gateway.post_json({"from": PHONE, "to": "STOPSHOP", "body": "stop"}, gateway="generic")
    [record] = await gateway.records()
    assert answer.json()["event_id"] == value_of(record)["event_id"]
    assert (value_of(record)["gateway"], value_of(record)["sender_number"]) == ("generic", "STOPSHOP")


@pytest.mark.parametrize(
    ("name", "fields", "key"),
    [
        ("clicksend", {"message_id": "c-1", "status_code": "201", "custom_string": "order-4711"}, "c-1"),
        ("generic", {"carrier_message_id": "c-1", "status": "delivered", "to": PHONE}, PHONE),
    ],
)
async def test_a_receipt_is_on_delivery_events(name: str, fields: dict[str, str], key: str, gateway: Gateway) -> None:
    answer = await gateway.post_form(fields, gateway=name, end="/receipts")
    [record] = await gateway.records()
    event = decode(delivery_event_adapter, record.value)
    assert (answer.status_code, event.type) == (200, "delivery_receipt_received")
    assert (record.topic, record.key, record.partition) == (
        DELIVERY_EVENTS,
        key.encode(),
        partition_of(key, PARTITIONS),
    )


async def test_a_webhook_that_is_repeated_is_the_same_event(gateway: Gateway) -> None:
    fields = stop_of()
    ids = {(await gateway.post_form(fields)).json()["event_id"] for _ in range(3)}
    assert len(ids) == 1
    assert {value_of(record)["event_id"] for record in await gateway.records()} == ids


async def test_webhooks_that_come_at_once_are_all_there_and_each_once(gateway: Gateway) -> None:
    phones = [f"+614{number:08d}" for number in range(200)]
    answers = await asyncio.gather(*(gateway.post_form(stop_of(phone)) for phone in phones))
    records = await gateway.records()
    assert sorted(value_of(record)["event_id"] for record in records) == sorted(
        answer.json()["event_id"] for answer in answers
    )
    for record in records:
        assert record.partition == partition_of(record.key.decode(), PARTITIONS)
