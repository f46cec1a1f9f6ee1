"""A gateway that signs its requests: a forged signature is refused and publishes nothing."""

import asyncio
import dataclasses
import hashlib
import hmac
import json
from typing import Any, ClassVar

import httpx
import pytest
from fastapi import FastAPI
from pydantic import Field, SecretStr, ValidationError

from services.inbound.app import create_app
from services.inbound.fields import Fields, each_of
from services.inbound.gateways import CREDENTIALS, MESSAGES
from services.inbound.gateways.credentials import GatewayCredential
from services.inbound.gateways.reported import Report, ReportedMessage
from services.inbound.gateways.request import GatewayRequest
from services.inbound.kafka_link import KafkaLink
from services.inbound.publish import Publisher
from services.inbound.records import PlacedRecord
from services.inbound.runtime import Runtime
from services.inbound.settings import InboundSettings
from shared.http import lifecycle_of
from shared.topics import INBOUND_MESSAGES, PARKED_MESSAGES
from shared.web.limits import HttpLimits
from shared.web.server import server_config
from shared.webhook_secrets import webhook_secret

KEY = "the-webhook-key-of-these-tests-only"
ADDRESS = f"/webhooks/signing/acme/{webhook_secret(KEY, 'acme')}"
BODY = b"from=%2B14155550100&body=STOP"


def signature(content: bytes, key: str = "k1") -> str:
    return hmac.digest(key.encode(), content, hashlib.sha256).hex()


SIGNED = {"X-Signature": signature(BODY)}


class SigningCredential(GatewayCredential):
    key: SecretStr

    async def has_signed(self, request: GatewayRequest) -> bool:
        expected = signature(request.body, self.key.get_secret_value())
        return hmac.compare_digest(request.headers.get("x-signature", ""), expected)


class SigningMessage(ReportedMessage):
    gateway: ClassVar[str] = "signing"
    always_international: ClassVar[bool] = True
    credential: ClassVar[type[GatewayCredential]] = SigningCredential

    from_text: str = Field(validation_alias="from")
    body: str = ""
    to: str | None = None
    gateway_message_id: str | None = None
    sent_at: str | None = None
    replied_message_id: str | None = None
    replied_carrier_message_id: str | None = None
    replied_body: str | None = None

    @classmethod
    def reports(cls, fields: Fields) -> list[Report]:
        return [Report(cls, each) for each in each_of(fields, "texts")] if "batch" in fields else [Report(cls, fields)]


class UrlCredential(SigningCredential):
    """A credential that signs the URL and the body, as Twilio does."""

    async def has_signed(self, request: GatewayRequest) -> bool:
        return await super().has_signed(dataclasses.replace(request, body=request.url.encode() + request.body))


class UrlSigningMessage(SigningMessage):
    methods: ClassVar[tuple[str, ...]] = ("POST", "GET")
    credential: ClassVar[type[GatewayCredential]] = UrlCredential


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[PlacedRecord]:
    """What is published; the gateway `signing` exists while the test runs."""
    records: list[PlacedRecord] = []

    async def publish(_: Publisher, record: PlacedRecord) -> None:
        records.append(record)

    monkeypatch.setattr(Publisher, "publish", publish)
    monkeypatch.setitem(MESSAGES, "signing", SigningMessage)
    monkeypatch.setitem(CREDENTIALS, "signing", SigningCredential)
    return records


def settings(**given: Any) -> InboundSettings:
    secrets = json.dumps({"acme": {"signing": [{"key": "k1"}, {"key": "k2"}]}})
    required = {"kafka_bootstrap": "127.0.0.1:1", "http_port": 1, "webhook_key": KEY, "gateway_secrets": secrets}
    return InboundSettings.model_validate({**required, **given})


def started_app(**given: Any) -> FastAPI:
    its_settings = settings(**given)
    app = create_app(its_settings)
    link = KafkaLink(its_settings, lambda _: None)
    lifecycle_of(app).runtime = Runtime(link, Publisher(link))
    return app


async def post(body: bytes, headers: dict[str, str] | list[tuple[str, str]], **given: Any) -> httpx.Response:
    transport = httpx.ASGITransport(started_app(**given))
    async with httpx.AsyncClient(transport=transport, base_url="http://inbound") as http:
        return await http.post(ADDRESS, content=body, headers=headers)


@pytest.mark.parametrize("key", ["k1", "k2"])
async def test_a_webhook_signed_with_one_of_the_accounts_credentials_is_published(
    key: str, published: list[PlacedRecord]
) -> None:
    response = await post(BODY, {"X-Signature": signature(BODY, key)})
    assert (response.status_code, [record.topic for record in published]) == (200, [INBOUND_MESSAGES])


@pytest.mark.parametrize(("first", "second", "status"), [("k1", "k3", 200), ("k3", "k1", 401)])
async def test_of_a_header_that_is_repeated_the_first_counts(
    first: str, second: str, status: int, published: list[PlacedRecord]
) -> None:
    headers = [("X-Signature", signature(BODY, first)), ("X-Signature", signature(BODY, second))]
    response = await post(BODY, headers)
    assert (response.status_code, len(published)) == (status, 1 if status == 200 else 0)


@pytest.mark.parametrize("headers", [{}, {"X-Signature": signature(b"other")}, {"X-Signature": signature(BODY, "k3")}])
@pytest.mark.parametrize("body", [BODY, b"not a webhook"])
async def test_a_forged_signature_is_refused_and_publishes_nothing(
    headers: dict[str, str], body: bytes, published: list[PlacedRecord]
) -> None:
    response = await post(body, headers)
    assert (response.status_code, published) == (401, [])


async def test_without_a_credential_nothing_is_published_and_the_log_says_so_once(
    published: list[PlacedRecord], caplog: pytest.LogCaptureFixture
) -> None:
    app = started_app(gateway_secrets=json.dumps({"other": {"signing": {"key": "k1"}}}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://inbound") as http:
        statuses = [(await http.post(ADDRESS, content=BODY, headers=SIGNED)).status_code for _ in range(3)]
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert (statuses, published, len(warnings)) == ([401] * 3, [], 1)
    assert "account acme by signing" in warnings[0]


async def test_where_a_signature_is_not_required_only_a_credential_demands_it(
    published: list[PlacedRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SigningMessage, "must_be_signed", False)
    assert (await post(BODY, {}, gateway_secrets="")).status_code == 200
    assert (await post(BODY, {})).status_code == 401
    assert len(published) == 1


@pytest.mark.parametrize("gateway", ["clicksend", "generic", "sinch", "infobip", "vonage-sms"])
@pytest.mark.parametrize("end", ["", "/receipts"])
async def test_who_knows_the_address_of_an_account_whose_gateway_signs_cannot_post_as_one_that_does_not(
    gateway: str, end: str, published: list[PlacedRecord], caplog: pytest.LogCaptureFixture
) -> None:
    address = ADDRESS.replace("/signing/", f"/{gateway}/") + end
    signing = {"signing": {"key": "k1"}}
    for gateways, is_refused in (
        (signing, True),
        (signing | {"plivo": {"auth_token": "long enough"}}, True),
        (signing | {gateway: "unsigned"}, False),
        ({gateway: "unsigned"}, False),
        ({}, False),
    ):
        app = started_app(gateway_secrets=json.dumps({"acme": gateways, "other": signing}))
        published.clear()
        caplog.clear()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://inbound") as http:
            response = await http.post(address, content=b"from=%2B14155550100&body=START")
        is_warned = any(f"account acme by {gateway}" in each.getMessage() for each in caplog.records)
        assert [response.status_code == 401, not published, is_warned] == [is_refused] * 3


async def test_all_that_a_webhook_publishes_or_parks_is_published_at_once(
    published: list[PlacedRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = json.dumps({"batch": 1, "texts": [{"from": "+14155550100"}, {"from": "nobody"}, {"from": "+14155550101"}]})
    together = asyncio.Barrier(3)

    async def publish(_: Publisher, record: PlacedRecord) -> None:
        async with asyncio.timeout(1):
            await together.wait()
        published.append(record)

    monkeypatch.setattr(Publisher, "publish", publish)
    response = await post(body.encode(), {"X-Signature": signature(body.encode())})
    assert (response.status_code, len(published)) == (422, 3)


async def test_the_messages_of_a_batch_are_all_published_and_those_that_cannot_be_are_parked_with_it(
    published: list[PlacedRecord],
) -> None:
    texts = [{"from": "+14155550100", "body": "STOP"}, {"from": "nobody"}, {"from": "+14155550101", "body": "hi"}]
    good = json.dumps({"batch": 1, "texts": [texts[0], texts[2]]}).encode()
    response = await post(good, {"X-Signature": signature(good)})
    assert (response.status_code, len(response.json()["event_ids"])) == (200, 2)
    mixed = json.dumps({"batch": 1, "texts": texts}).encode()
    response = await post(mixed, {"X-Signature": signature(mixed)})
    assert (response.status_code, response.json()["error"]["code"]) == (422, "invalid_number")
    topics = [record.topic for record in published]
    assert topics == [INBOUND_MESSAGES] * 4 + [PARKED_MESSAGES]
    assert published[-1].record.value == mixed


async def test_a_gateway_that_would_repeat_what_is_parked_is_answered_200(
    published: list[PlacedRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SigningMessage, "repeats_until_accepted", True)
    response = await post(b"body=STOP", {"X-Signature": signature(b"body=STOP")})
    assert (response.status_code, response.json()["error"]["code"]) == (200, "missing_field")
    assert [record.topic for record in published] == [PARKED_MESSAGES]


async def test_a_webhook_about_no_message_is_answered_and_publishes_nothing(published: list[PlacedRecord]) -> None:
    body = b'{"batch": 1, "texts": []}'
    response = await post(body, {"X-Signature": signature(body)})
    assert (response.status_code, response.json(), published) == (200, {"status": "ignored"}, [])


@pytest.mark.parametrize(
    ("secrets", "problem"),
    [
        ("{", "Invalid JSON"),
        ("[]", "Input should be an object"),
        ('{"acme": 1}', "acme: Input should be an object"),
        ('{"acme": {"nobody": {}}}', "acme: nobody: no such gateway signs"),
        ('{"acme": {"nobody": "unsigned"}}', "acme: nobody: no such gateway signs"),
        ('{"acme": {"clicksend": {}}}', "'unsigned' may be: clicksend, generic, infobip, sinch, vonage-sms"),
        ('{"acme": {"twilio": "unsigned"}}', "acme: twilio: Input should be"),
        ('{"acme": {"signing": "unsigned"}}', "acme: signing: Input should be"),
        ('{"acme": {"signing": {"key": "hidden", "token": "hidden"}}}', "acme: signing: token: Extra"),
        ('{"acme": {"signing": {}}}', "acme: signing: key: Field required"),
        ('{"acme": {"signing": []}}', "acme: signing: must be one credential"),
    ],
)
@pytest.mark.usefixtures("published")
def test_a_wrong_credential_ends_the_start_with_its_place_and_not_its_value(secrets: str, problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(gateway_secrets=secrets)
    [error] = caught.value.errors(include_input=False)
    assert problem in error["msg"]
    assert "hidden" not in str(error["msg"])


@pytest.mark.usefixtures("published")
def test_no_credential_is_shown_by_the_settings() -> None:
    assert "k2" not in repr(settings().gateway_credentials)


async def test_a_signed_url_is_the_public_one(published: list[PlacedRecord]) -> None:
    MESSAGES["signing"] = UrlSigningMessage
    CREDENTIALS["signing"] = UrlCredential
    public = "https://hooks.example/sms"
    signed = {"X-Signature": signature(f"{public}{ADDRESS}".encode() + BODY)}
    assert (await post(BODY, signed)).status_code == 401
    assert (await post(BODY, signed, public_inbound_url=f"{public}/")).status_code == 200
    assert len(published) == 1


@pytest.mark.parametrize("call", ["POST", "POST ?bodySHA256=a%2Bb&x=%20", "GET ?from=%2B14155550100&body=STOP"])
@pytest.mark.parametrize(
    ("trusted_proxies", "signed_scheme", "status"),
    [([], "http", 200), ([], "https", 401), (["127.0.0.1"], "https", 200), (["127.0.0.1"], "http", 401)],
)
async def test_a_signed_url_has_the_scheme_that_a_trusted_proxy_names(
    call: str,
    trusted_proxies: list[str],
    signed_scheme: str,
    status: int,
    published: list[PlacedRecord],
) -> None:
    MESSAGES["signing"] = UrlSigningMessage
    CREDENTIALS["signing"] = UrlCredential
    config = server_config(started_app(), "127.0.0.1", 1, HttpLimits(), trusted_proxies)
    config.load()
    method, _, query = call.partition(" ")
    body = BODY if method == "POST" else b""
    signed = signature(f"{signed_scheme}://stopline.example:8443{ADDRESS}{query}".encode() + body)
    headers = {"Host": "stopline.example:8443", "X-Forwarded-Proto": "https", "X-Signature": signed}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(config.loaded_app)) as http:
        response = await http.request(method, f"http://inbound{ADDRESS}{query}", content=body, headers=headers)
    assert (response.status_code, len(published)) == (status, status == 200)


async def test_an_adapter_decides_which_methods_it_takes(published: list[PlacedRecord]) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(started_app()), base_url="http://inbound") as http:
        response = await http.get(f"{ADDRESS}?from=%2B14155550100&body=STOP", headers={"X-Signature": signature(b"")})
    assert (SigningMessage.methods, response.status_code, published) == (("POST",), 405, [])
