"""What is refused, with what answer, and that none of it is lost."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from inbound_world import Gateway, answers, headers_of, new_http, stop_of, value_of

from harness.stack.service import Service
from services.inbound.limits import MAX_REQUEST_BYTES
from shared.topics import PARKED_MESSAGES
from shared.webhook_secrets import webhook_secret

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@pytest.mark.parametrize("end", ["", "/receipts"])
@pytest.mark.parametrize(
    "secret", ["x", "a" * 32, webhook_secret("another-key-than-the-service's", "acme"), "%00", "é"]
)
async def test_a_wrong_secret_is_not_found_and_publishes_nothing(secret: str, end: str, gateway: Gateway) -> None:
    answer = await gateway.post_form(stop_of(), proof=secret, end=end)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert await gateway.records() == []


async def test_an_unknown_account_is_not_found(gateway: Gateway) -> None:
    right = gateway.address().rpartition("/")[2]
    unknown = Gateway(gateway.url, gateway.bootstrap, f"{gateway.account_id}-2")
    answer = await unknown.post_form(stop_of(), proof=right)
    assert answer.status_code == 404
    assert await unknown.records() == []


@pytest.mark.parametrize("account_id", ["Acme", "a" * 65, "a%2Fb", "-a"])
async def test_an_account_id_that_cannot_be_is_not_found(account_id: str, gateway: Gateway) -> None:
    odd = Gateway(gateway.url, gateway.bootstrap, account_id)
    assert (await odd.post_form(stop_of())).status_code == 404


async def test_a_wrong_secret_an_unknown_account_and_no_address_answer_the_same(gateway: Gateway) -> None:
    found = [
        await gateway.post_form(stop_of(), proof="x"),
        await Gateway(gateway.url, gateway.bootstrap, "unknown").post_form(stop_of(), proof="x"),
        await gateway.post_form(stop_of(), gateway="unheard-of"),
    ]
    assert len({(answer.status_code, answer.content) for answer in found}) == 1


@pytest.mark.parametrize(
    ("content_type", "content", "status", "code", "field"),
    [
        (FORM, b"to=%2B61422222222&body=STOP", 422, "missing_field", "from"),
        (FORM, b"body=STOP", 422, "missing_field", "from"),
        (FORM, b"", 422, "missing_field", "from"),
        (FORM, b"from=abc&body=STOP", 422, "invalid_number", "from"),
        (FORM, b"from=%2B6141111%FF1111&body=STOP", 422, "invalid_utf8", "from"),
        (FORM, b"from=%2B61411111111&body=" + b"x" * 20_001, 422, "too_long", "body"),
        (FORM, b"\xff\xfe\x00\x01", 422, "missing_field", "from"),
        (JSON, b'{"from": "+61411111111", "body": "STOP"', 400, "not_json", None),
        (JSON, b"[]", 400, "not_an_object", None),
        (JSON, '{"from": "+61411111111"}'.encode("utf-16"), 400, "invalid_utf8", None),
        (JSON, b'{"from": ["+61411111111"], "body": "STOP"}', 422, "missing_field", "from"),
        ("multipart/form-data; boundary=x", b"--x--", 415, "unsupported_media_type", None),
    ],
)
async def test_a_bad_webhook_is_refused_with_the_field_and_its_bytes_are_parked_once(  # noqa: PLR0913, PLR0917 (a table)
    content_type: str, content: bytes, status: int, code: str, field: str | None, gateway: Gateway
) -> None:
    for _ in range(2):  # gateways repeat
        answer = await gateway.post(content, content_type)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["field"]) == (status, code, field)
        assert error["message"]
    records = await gateway.records()
    assert {record.topic for record in records} == {PARKED_MESSAGES}
    assert {record.value for record in records} == {content}
    assert len({headers_of(record)["parked_id"] for record in records}) == 1
    assert {headers_of(record)["parked_reason"] for record in records} == {code}


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        (FORM, b"from=%2B61411111111&body=STOP%FF&message_id=1"),
        (FORM, b"from=%2B61411111111&body=STOP\xff&message_id=%C3%28"),
        (JSON, b'{"from": "+61411111111", "body": "STOP\xff", "to": "\xfe", "user_id": {}}'),
        (JSON, b'{"from": "+61411111111", "body": "STOP\\u0000"}'),
    ],
)
async def test_a_broken_byte_does_not_cost_a_person_the_opt_out(
    content_type: str, content: bytes, gateway: Gateway
) -> None:
    assert (await gateway.post(content, content_type)).status_code == 200
    [record] = await gateway.records()
    assert value_of(record)["body"] == "STOP\ufffd"


async def _in_parts(total_bytes: int) -> Any:
    for _ in range(total_bytes // 1000):
        yield b"x" * 1000
        await asyncio.sleep(0)


@pytest.mark.parametrize("size", [MAX_REQUEST_BYTES + 1, 900_000, 20_000_000])
@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_64_kb_is_too_large_whatever_it_declares(size: int, declared: bool, gateway: Gateway) -> None:  # noqa: FBT001
    content: Any = b"x" * size if declared else _in_parts(size + 1000)
    try:
        answer = await gateway.post(content, FORM)
    except httpx.TransportError:
        answer = None  # cut off
    if size < 1_000_000:
        assert answer is not None
    if answer is not None:
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    assert await gateway.records() == []


async def test_a_body_of_64_kb_is_not_too_large(gateway: Gateway) -> None:
    start = b"from=%2B61411111111&body=STOP&padding="
    answer = await gateway.post(start + b"x" * (MAX_REQUEST_BYTES - len(start)), FORM)
    assert answer.status_code == 200


async def test_the_answer_is_nothing_that_a_gateway_could_send_to_the_phone(gateway: Gateway) -> None:
    answer = await gateway.post_form(stop_of())
    assert answer.headers["content-type"] == "application/json"
    assert answer.json().keys() == {"status", "event_id"}


async def test_no_page_publishes_and_the_addresses_are_documented(running: Service, gateway: Gateway) -> None:
    assert await answers(f"{running.url}/docs") == 404
    assert await answers(f"{running.url}/redoc") == 404
    assert await answers(gateway.address()) == 405, "reading an address publishes nothing"
    assert await answers(f"{running.url}/openapi.json") == 200
    assert await gateway.records() == []


async def test_what_happened_is_counted_and_no_secret_is_logged(running: Service, gateway: Gateway) -> None:
    await gateway.post_form(stop_of())
    await gateway.post_form({"body": "STOP"})
    await gateway.post_form(stop_of(), proof="wrong")
    async with new_http() as http:
        shown = (await http.get(running.metrics_url)).text
    for outcome in ("accepted", "refused", "unauthorised"):
        assert f'stopline_inbound_webhooks_total{{gateway="clicksend",kind="message",outcome="{outcome}"}}' in shown
    assert "stopline_inbound_acknowledge_seconds_bucket" in shown
    log = running.process.log_path.read_text()
    assert gateway.address().rpartition("/")[2] not in log
    assert "+61411111111" not in log
    assert all(json.loads(line) for line in log.splitlines())
