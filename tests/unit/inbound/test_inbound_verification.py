"""A gateway that signs its requests: a forged signature is refused and publishes nothing."""

import hashlib
import hmac
from typing import ClassVar

import httpx
import pytest
from fastapi import FastAPI
from pydantic import Field

from services.inbound.app import create_app
from services.inbound.gateways import MESSAGES
from services.inbound.gateways.reported import GatewayRequest, ReportedMessage, UnverifiedError
from services.inbound.kafka_link import KafkaLink
from services.inbound.publish import PlacedRecord, Publisher
from services.inbound.runtime import Runtime
from services.inbound.settings import InboundSettings
from shared.http import lifecycle_of
from shared.topics import INBOUND_MESSAGES
from shared.web.limits import HttpLimits
from shared.web.server import server_config
from shared.webhook_secrets import webhook_secret

KEY = "the-webhook-key-of-these-tests-only"
SETTINGS = InboundSettings.model_validate({"kafka_bootstrap": "127.0.0.1:1", "http_port": 1, "webhook_key": KEY})
ADDRESS = f"/webhooks/signing/acme/{webhook_secret(KEY, 'acme')}"
BODY = b"from=%2B14155550100&body=STOP"


def signature(body: bytes, account_id: str = "acme") -> str:
    return hmac.digest(account_id.encode(), body, hashlib.sha256).hex()


class SigningMessage(ReportedMessage):
    gateway: ClassVar[str] = "signing"
    always_international: ClassVar[bool] = True
    refusal: ClassVar[int] = 401

    writer: str = Field(validation_alias="from")
    body: str = ""
    to: str | None = None
    message_id: str | None = None
    sent_at: str | None = None
    replied_message_id: str | None = None
    replied_carrier_message_id: str | None = None
    replied_body: str | None = None

    @classmethod
    def verify(cls, request: GatewayRequest, account_id: str) -> None:
        if not hmac.compare_digest(request.headers.get("x-signature", ""), signature(request.body, account_id)):
            raise UnverifiedError(status_code=cls.refusal)


class UrlSigningMessage(SigningMessage):
    """A message whose gateway signs the URL and the body, as Twilio does."""

    methods: ClassVar[tuple[str, ...]] = ("POST", "GET")

    @classmethod
    def verify(cls, request: GatewayRequest, account_id: str) -> None:
        expected = signature(request.url.encode() + request.body, account_id)
        if not hmac.compare_digest(request.headers.get("x-signature", ""), expected):
            raise UnverifiedError


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[PlacedRecord]:
    records: list[PlacedRecord] = []

    async def publish(_: Publisher, record: PlacedRecord) -> None:
        records.append(record)

    monkeypatch.setattr(Publisher, "publish", publish)
    monkeypatch.setitem(MESSAGES, "signing", SigningMessage)
    return records


def started_app() -> FastAPI:
    app = create_app(SETTINGS)
    link = KafkaLink(SETTINGS, lambda _: None)
    lifecycle_of(app).runtime = Runtime(link, Publisher(link))
    return app


async def post(body: bytes, headers: dict[str, str]) -> httpx.Response:
    transport = httpx.ASGITransport(started_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://inbound") as http:
        return await http.post(ADDRESS, content=body, headers=headers)


async def test_a_signed_webhook_is_published(published: list[PlacedRecord]) -> None:
    response = await post(BODY, {"X-Signature": signature(BODY)})
    assert (response.status_code, [record.topic for record in published]) == (200, [INBOUND_MESSAGES])


@pytest.mark.parametrize("status", [401, 404])
@pytest.mark.parametrize("headers", [{}, {"X-Signature": signature(b"another body")}])
@pytest.mark.parametrize("body", [BODY, b"not a webhook"])
async def test_a_forged_signature_is_refused_and_publishes_nothing(
    status: int,
    headers: dict[str, str],
    body: bytes,
    published: list[PlacedRecord],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SigningMessage, "refusal", status)
    response = await post(body, headers)
    assert (response.status_code, published) == (status, [])


@pytest.mark.parametrize("call", ["POST", "POST ?bodySHA256=a%2Bb&x=%20", "GET ?from=%2B14155550100&body=STOP"])
@pytest.mark.parametrize(
    ("trusted_proxies", "signed_scheme", "status"),
    [([], "http", 200), ([], "https", 401), (["127.0.0.1"], "https", 200), (["127.0.0.1"], "http", 401)],
)
async def test_a_signed_url_has_the_scheme_that_a_trusted_proxy_names(
    call: str, trusted_proxies: list[str], signed_scheme: str, status: int, published: list[PlacedRecord]
) -> None:
    MESSAGES["signing"] = UrlSigningMessage  # `published` takes it away again
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
