"""The forms that other gateways use for the generic webhook, posted by tools that share no code with the service."""

import socket
import subprocess
from urllib.parse import urlsplit

import pytest
from inbound_world import Gateway, headers_of, value_of

from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, PARKED_MESSAGES

PHONE = "+61411111111"
FIELDS = {"from": PHONE, "to": "+61422222222", "body": "STOP now"}


def curl(*words: str) -> str:
    command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout


@pytest.mark.parametrize("way", [("-F",), ("-G", "--data-urlencode"), ("--data-urlencode",)])
async def test_the_generic_webhook_takes_multipart_forms_and_queries(way: tuple[str, ...], gateway: Gateway) -> None:
    *options, each = way
    fields = [word for name, value in FIELDS.items() for word in (each, f"{name}={value}")]
    assert curl(*options, *fields, gateway.address("generic")) == "200"
    [record] = await gateway.records()
    assert record.topic == INBOUND_MESSAGES
    assert {name: value_of(record)[name] for name in ("phone", "sender_number", "body")} == {
        "phone": PHONE,
        "sender_number": "+61422222222",
        "body": "STOP now",
    }


async def test_a_picture_in_a_multipart_form_is_an_empty_text(gateway: Gateway) -> None:
    words = ("-F", f"from={PHONE}", "-F", "media=@/dev/null;filename=cat.jpg;type=image/jpeg")
    assert curl(*words, gateway.address("generic")) == "200"
    [record] = await gateway.records()
    assert value_of(record)["body"] == ""


async def test_a_receipt_may_be_a_query_too(gateway: Gateway) -> None:
    answer = await gateway.get({"carrier_message_id": "c-1", "status": "delivered"}, end="/receipts")
    [record] = await gateway.records()
    assert (answer.status_code, record.topic) == (200, DELIVERY_EVENTS)
    assert answer.headers["cache-control"] == "no-store"


async def test_a_post_may_have_its_fields_in_the_query(gateway: Gateway) -> None:
    assert (await gateway.get(FIELDS, method="POST")).status_code == 200
    assert len(await gateway.records()) == 1


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"])
async def test_no_other_method_publishes(method: str, gateway: Gateway) -> None:
    assert (await gateway.get(FIELDS, method=method)).status_code == 405
    assert await gateway.records() == []


async def test_looking_at_the_address_publishes_nothing(gateway: Gateway) -> None:
    assert (await gateway.get("")).status_code == 405
    assert (await gateway.get(FIELDS, proof="wrong")).status_code == 404
    assert (await gateway.get(FIELDS, gateway="clicksend")).status_code == 405
    assert await gateway.records() == []


async def test_a_query_that_names_nobody_is_parked_as_it_came(gateway: Gateway) -> None:
    assert (await gateway.get("body=STOP")).status_code == 422
    [record] = await gateway.records()
    assert (record.topic, record.value, headers_of(record)["parked_reason"]) == (
        PARKED_MESSAGES,
        b"body=STOP",
        "missing_field",
    )


@pytest.mark.parametrize(("length", "status"), [(8 * 1024, b"200"), (8 * 1024 + 1, b"414")])
async def test_an_address_with_its_query_has_a_limit(length: int, status: bytes, gateway: Gateway) -> None:
    start = f"from=%2B{PHONE[1:]}&body=STOP&padding="
    parts = urlsplit(gateway.address("generic"))
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as raw:
        target = f"{parts.path}?{start}"
        target += "x" * (length - len(target))
        raw.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert raw.recv(100).split(b" ")[1] == status


@pytest.mark.parametrize("gateway_name", ["clicksend", "generic"])
async def test_stop_start_stop_with_one_id_are_three_messages(gateway_name: str, gateway: Gateway) -> None:
    time = {"clicksend": "timestamp", "generic": "sent_at"}[gateway_name]
    for body, at in (("STOP", "1"), ("START", "2"), ("STOP", "3")):
        fields = {"from": PHONE, "body": body, "message_id": "0", time: at}
        assert (await gateway.post_form(fields, gateway=gateway_name)).status_code == 200
    assert len({value_of(record)["event_id"] for record in await gateway.records()}) == 3


@pytest.mark.parametrize("content", ['{"from": "+61411111111", "body": null}', '{"from": "+61411111111"}'])
@pytest.mark.parametrize("gateway_name", ["clicksend", "generic"])
async def test_a_body_of_null_is_an_empty_text(content: str, gateway_name: str, gateway: Gateway) -> None:
    assert (await gateway.post(content, "application/json", gateway=gateway_name)).status_code == 200
    [record] = await gateway.records()
    assert value_of(record)["body"] == ""
