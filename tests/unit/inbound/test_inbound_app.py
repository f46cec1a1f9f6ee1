"""The application without Kafka: its addresses and what they say of themselves."""

import logging
from typing import Any

import httpx
import pytest

from services.inbound.app import create_app
from services.inbound.fast_route import WebhookApp
from services.inbound.gateways import MESSAGES
from services.inbound.settings import InboundSettings
from services.optout.api.accounts import DEFAULT_GATEWAY
from shared.quiet_logs import SayOnce
from shared.webhook_secrets import webhook_secret

KEY = "the-webhook-key-of-these-tests-only"
SETTINGS = InboundSettings.model_validate({"kafka_bootstrap": "127.0.0.1:1", "http_port": 1, "webhook_key": KEY})


def client() -> httpx.AsyncClient:
    app = create_app(SETTINGS)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://inbound")


@pytest.fixture(params=["with the short way", "without it"])
async def http(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> httpx.AsyncClient:
    if request.param == "without it":
        monkeypatch.setattr(WebhookApp, "_handler", lambda *_: None)
    return client()


@pytest.mark.parametrize("gateway", ["clicksend", "generic"])
@pytest.mark.parametrize("end", ["", "/receipts"])
async def test_every_address_is_there_and_says_503_without_kafka(
    gateway: str, end: str, http: httpx.AsyncClient
) -> None:
    address = f"/webhooks/{gateway}/acme/{webhook_secret(KEY, 'acme')}{end}"
    fields = {"from": "+61411111111", "body": "STOP", "carrier_message_id": "c", "message_id": "m"}
    answer = await http.post(address, data={**fields, "status": "failed", "status_code": "301"})
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert (await http.post(address[:-1] + "!", data=fields)).status_code == 404
    assert (await http.get(address)).status_code == 405


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/webhooks", "/webhooks/unheard-of/acme/x", "/webhooks/clicksend/acme/x/y"]
)
async def test_what_is_not_there_is_not_found(path: str, http: httpx.AsyncClient) -> None:
    answer = await http.post(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_the_documentation_names_every_field_of_every_webhook() -> None:
    async with client() as http:
        document: dict[str, Any] = (await http.get("/openapi.json")).json()
    webhooks = {path: item["post"] for path, item in document["paths"].items() if path.startswith("/webhooks/")}
    assert len(webhooks) == 2 * len(MESSAGES)
    for path, operation in webhooks.items():
        content = operation["requestBody"]["content"]
        others = {"multipart/form-data"} if "generic" in path else set()
        assert content.keys() == {"application/x-www-form-urlencoded", "application/json", *others}
        assert operation["responses"].keys() >= {"200", "401", "404", "413", "422", "503"}
        for schema in (each["schema"] for each in content.values()):
            assert schema["required"]
    clicksend = webhooks["/webhooks/clicksend/{account}/{secret}"]["requestBody"]["content"]["application/json"]
    assert {"from", "body", "to", "message_id", "timestamp"} <= clicksend["schema"]["properties"].keys()
    by_query = {path: item["get"] for path, item in document["paths"].items() if "get" in item and "webhooks" in path}
    assert len(by_query) == 2 * sum("GET" in message.methods for message in MESSAGES.values())
    named = {each["name"]: each["required"] for each in by_query["/webhooks/generic/{account}/{secret}"]["parameters"]}
    assert (named["from"], named["body"], named["sent_at"]) == (True, False, False)


def test_what_is_said_again_and_again_is_said_once_in_a_while() -> None:
    now = [0.0]
    say_once = SayOnce(lambda: now[0])

    def said(line: int) -> bool:
        return say_once.filter(logging.LogRecord("aiokafka", logging.ERROR, "client.py", line, "away", (), None))

    assert [said(1), said(1), said(2), said(1)] == [True, False, True, False]
    now[0] = 31.0
    assert [said(1), said(1)] == [True, False]


def test_the_gateway_of_an_account_that_names_none_is_there() -> None:
    assert DEFAULT_GATEWAY in MESSAGES
