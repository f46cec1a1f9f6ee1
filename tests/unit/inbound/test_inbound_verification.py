"""A gateway that signs its requests: a forged signature is refused and publishes nothing."""

import hashlib
import hmac
from typing import ClassVar

import httpx
import pytest
from pydantic import Field

from services.inbound.app import create_app
from services.inbound.gateways import MESSAGES
from services.inbound.gateways.reported import ReportedMessage
from services.inbound.gateways.request import GatewayRequest, UnverifiedError
from services.inbound.publish import PlacedRecord, Publisher
from services.inbound.settings import InboundSettings
from shared.topics import INBOUND_MESSAGES
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

    sender: str = Field(validation_alias="from")
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


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[PlacedRecord]:
    records: list[PlacedRecord] = []

    async def publish(_: Publisher, record: PlacedRecord) -> None:
        records.append(record)

    monkeypatch.setattr(Publisher, "publish", publish)
    monkeypatch.setitem(MESSAGES, "signing", SigningMessage)
    return records


async def post(body: bytes, headers: dict[str, str]) -> httpx.Response:
    transport = httpx.ASGITransport(create_app(SETTINGS))
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
