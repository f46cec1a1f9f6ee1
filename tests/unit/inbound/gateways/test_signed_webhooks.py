"""Signed webhooks of every gateway here, through the whole handler: what is published, what is refused, never a 5xx."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from fastapi import FastAPI
from gateway_requests import (
    CERTIFICATE_ADDRESS,
    ORIGIN,
    SUBSCRIBE_ADDRESS,
    TOPIC,
    SnsSigner,
    confirmation,
    notification,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.inbound.app import create_app
from services.inbound.kafka_link import KafkaLink
from services.inbound.outside import Outside, OutsideResponse
from services.inbound.publish import Publisher
from services.inbound.records import PlacedRecord
from services.inbound.runtime import Runtime
from services.inbound.settings import InboundSettings
from shared.http import lifecycle_of
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, PARKED_MESSAGES
from shared.webhook_secrets import webhook_path, webhook_secret

WEBHOOK_KEY = "the-webhook-key-of-these-tests-only"
KEY = "a-signing-key-of-these-tests-that-is-long-enough"
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNER = SnsSigner()
Headers = dict[str, str]

CREDENTIALS = {
    "aws": [{"topic_arn": TOPIC}, {"topic_arn": TOPIC + "-receipts"}],
    "bird": {"signing_key": KEY},
    "generic": {"secret": WHSEC},
    "infobip": {"secret": KEY},
    "messagebird": {"signing_key": KEY},
    "sinch": {"secret": KEY},
}


def base64_hmac(signed: bytes, key: bytes = KEY.encode()) -> str:
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def bird(url: str, body: bytes, now: str) -> Headers:
    signature = base64_hmac(f"{now}\n{url}\n".encode() + hashlib.sha256(body).digest())
    return {"messagebird-signature": signature, "messagebird-request-timestamp": now}


def messagebird(url: str, body: bytes, now: str) -> Headers:
    claims = {
        "iss": "MessageBird",
        "nbf": int(now),
        "exp": int(now) + 60,
        "url_hash": hashlib.sha256(url.encode()).hexdigest(),
        **({"payload_hash": hashlib.sha256(body).hexdigest()} if body else {}),
    }
    return {"MessageBird-Signature-JWT": jwt.encode(claims, KEY, "HS256")}


def sinch(_: str, body: bytes, now: str) -> Headers:
    name = "x-sinch-webhook-signature"
    return {name: base64_hmac(body + f".n.{now}".encode()), f"{name}-nonce": "n", f"{name}-timestamp": now}


def generic(_: str, body: bytes, now: str) -> Headers:
    key = base64.b64decode(WHSEC.removeprefix("whsec_"))
    signature = "v1," + base64_hmac(f"m.{now}.".encode() + body, key)
    return {"webhook-id": "m", "webhook-timestamp": now, "webhook-signature": signature}


def infobip(_: str, body: bytes, __: str) -> Headers:
    return {"x-hub-signature": "sha256=" + hmac.digest(KEY.encode(), body, "sha256").hex()}


SIGNED: dict[str, Callable[[str, bytes, str], Headers]] = {
    "bird": bird,
    "generic": generic,
    "infobip": infobip,
    "messagebird": messagebird,
    "sinch": sinch,
}
REPLIES: dict[str, Any] = {
    "bird": {"event": "sms.inbound", "payload": {"sender": {"contact": {"identifierValue": "+14155550100"}}}},
    "generic": {"from": "+14155550100", "body": "STOP"},
    "infobip": {"results": [{"from": "14155550100", "text": "STOP"}, {"from": "14155550101", "text": "STOP"}]},
    "messagebird": {"originator": "14155550100", "body": "STOP"},
    "sinch": {"type": "mo_text", "from": "14155550100", "body": "STOP"},
}


class Gateways:
    """The service, as gateways reach it, with what it publishes and the addresses that it asks."""

    def __init__(self) -> None:
        self.published: list[PlacedRecord] = []
        self.asked: list[str] = []
        self.outside_status = 200
        self.app = self._started()

    def _started(self) -> FastAPI:
        its_settings = InboundSettings.model_validate(
            {
                "kafka_bootstrap": "127.0.0.1:1",
                "http_port": 1,
                "webhook_key": WEBHOOK_KEY,
                "gateway_secrets": json.dumps({"acme": CREDENTIALS}),
                "public_inbound_url": ORIGIN,
            }
        )
        app = create_app(its_settings)
        link = KafkaLink(its_settings, lambda _: None)
        lifecycle_of(app).runtime = Runtime(link, Publisher(link), Outside(self._outside))
        return app

    async def _outside(self, address: str) -> OutsideResponse:
        self.asked.append(address)
        return OutsideResponse(self.outside_status, SIGNER.pem if address.endswith(".pem") else b"")

    async def call(
        self, gateway: str, body: bytes, headers: Headers | None = None, end: str = "", account: str = "acme"
    ) -> httpx.Response:
        """Post a body with the gateway's own signature, or with other headers."""
        path = webhook_path(gateway, account, webhook_secret(WEBHOOK_KEY, account)) + end
        if headers is None:
            signed = SIGNED.get(gateway)
            headers = signed(f"{ORIGIN}{path}", body, str(int(time.time()))) if signed else {}
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://inbound") as http:
            return await http.post(path, content=body, headers={"content-type": "application/json", **headers})

    def topics(self) -> list[str]:
        return [record.topic for record in self.published]


@pytest.fixture
def gateways(monkeypatch: pytest.MonkeyPatch) -> Gateways:
    service = Gateways()

    async def publish(_: Publisher, record: PlacedRecord) -> None:
        service.published.append(record)

    monkeypatch.setattr(Publisher, "publish", publish)
    return service


@pytest.mark.parametrize("gateway", SIGNED)
async def test_a_signed_reply_is_published_and_an_unsigned_or_changed_one_is_not(
    gateway: str, gateways: Gateways
) -> None:
    body = json.dumps(REPLIES[gateway]).encode()
    assert (await gateways.call(gateway, body, {})).status_code == 401
    others = SIGNED[gateway](ORIGIN + "/", body.replace(b"STOP", b"HELP") + b" ", str(int(time.time())))
    assert (await gateways.call(gateway, body, others)).status_code == 401
    assert gateways.published == []
    assert (await gateways.call(gateway, body)).status_code == 200
    assert set(gateways.topics()) == {INBOUND_MESSAGES}
    assert len(gateways.published) == (2 if gateway == "infobip" else 1)


@pytest.mark.parametrize(
    ("gateway", "status"),
    [("aws", 401), ("bird", 401), ("messagebird", 401), ("generic", 200), ("infobip", 200), ("sinch", 200)],
)
async def test_an_account_without_a_credential_is_refused_where_the_gateway_always_signs(
    gateway: str, status: int, gateways: Gateways
) -> None:
    body = json.dumps(REPLIES.get(gateway, notification("x"))).encode()
    assert (await gateways.call(gateway, body, account="other")).status_code == status


async def test_one_result_that_cannot_be_read_stops_no_other(gateways: Gateways) -> None:
    body = json.dumps({"results": [{"from": "AMAZON", "text": "STOP"}, *REPLIES["infobip"]["results"]]}).encode()
    response = await gateways.call("infobip", body)
    assert (response.status_code, response.json()["error"]["code"]) == (200, "invalid_number")
    assert sorted(gateways.topics()) == sorted([INBOUND_MESSAGES, INBOUND_MESSAGES, PARKED_MESSAGES])


@pytest.mark.parametrize("reason", ["opted out", "opted out " + "x" * 1000])
async def test_a_receipt_that_says_an_opt_out_blocks_however_long_its_words_are(
    reason: str, gateways: Gateways
) -> None:
    fields = {"id": "m-1", "recipient": "14155550100", "status": "delivery_failed", "statusReason": reason}
    response = await gateways.call("messagebird", json.dumps(fields).encode(), end="/receipts")
    assert (response.status_code, sorted(gateways.topics())) == (200, sorted([DELIVERY_EVENTS, INBOUND_MESSAGES]))


async def test_a_hundred_receipts_of_infobips_usual_size_are_taken_at_once(gateways: Gateways) -> None:
    words = {"groupName": "DELIVERED", "name": "DELIVERED_TO_HANDSET", "description": "x" * 900}
    results = [{"messageId": str(number), "to": "14155550100", "status": words} for number in range(100)]
    response = await gateways.call("infobip", json.dumps({"results": results}).encode(), end="/receipts")
    assert (response.status_code, len(response.json()["event_ids"]), len(gateways.published)) == (200, 100, 100)


async def test_a_reply_by_sns_is_published_and_its_certificate_fetched_once(gateways: Gateways) -> None:
    message = {"originationNumber": "+14155550100", "destinationNumber": "+18335550123", "messageBody": "STOP"}
    for version in ("1", "2"):
        response = await gateways.call("aws", SIGNER.signed(notification(message), version))
        assert response.status_code == 200
    assert gateways.topics() == [INBOUND_MESSAGES, INBOUND_MESSAGES]
    assert gateways.asked == [CERTIFICATE_ADDRESS]


@pytest.mark.parametrize("end", ["", "/receipts"])
async def test_a_subscription_to_the_accounts_topic_is_confirmed_and_publishes_nothing(
    end: str, gateways: Gateways
) -> None:
    response = await gateways.call("aws", SIGNER.signed(confirmation()), end=end)
    assert (response.status_code, response.json()) == (200, {"status": "ignored"})
    assert (gateways.asked, gateways.published) == ([CERTIFICATE_ADDRESS, SUBSCRIBE_ADDRESS], [])


@pytest.mark.parametrize(
    "body",
    [
        SIGNER.signed(confirmation(TopicArn=TOPIC.replace("replies", "others"))),
        SIGNER.signed(confirmation(SigningCertURL="https://evil.example/x.pem")),
        json.dumps({**confirmation(), "SignatureVersion": "2", "Signature": ""}).encode(),
    ],
)
async def test_a_forged_confirmation_visits_nothing(body: bytes, gateways: Gateways) -> None:
    assert (await gateways.call("aws", body)).status_code == 401
    assert SUBSCRIBE_ADDRESS not in gateways.asked
    assert "https://evil.example/x.pem" not in gateways.asked


async def test_a_signed_confirmation_that_names_another_address_visits_nothing(gateways: Gateways) -> None:
    body = SIGNER.signed(confirmation(SubscribeURL="https://evil.example/?Action=ConfirmSubscription"))
    assert (await gateways.call("aws", body)).status_code == 200
    assert gateways.asked == [CERTIFICATE_ADDRESS]


async def test_while_sns_cannot_be_asked_it_is_to_post_again(gateways: Gateways) -> None:
    gateways.outside_status = 503
    response = await gateways.call("aws", SIGNER.signed(confirmation()))
    assert (response.status_code, "retry-after" in response.headers) == (503, True)


numbers = st.sampled_from(["+14155550100", "14155550100", "12345", "AMAZON", "", "+1", "\u0661\u0662", "9" * 40])
leaves = numbers | st.text(max_size=20) | st.integers() | st.floats() | st.booleans() | st.none()
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
NAMES = {
    "aws": ["originationNumber", "messageBody", "eventType", "messageId", "context", "messageStatusDescription"],
    "bird": ["event", "payload", "id", "sender", "body", "receiver", "direction", "status", "reason"],
    "generic": ["from", "to", "body", "message_id", "sent_at", "status", "carrier_message_id"],
    "infobip": ["results", "messageId", "from", "text", "status", "error", "receivedAt"],
    "messagebird": ["originator", "recipient", "body", "id", "createdDatetime", "status", "statusReason"],
    "sinch": ["type", "from", "to", "body", "id", "batch_id", "statuses", "status", "code", "received_at"],
}
EVENTS = ["sms.inbound", "sms.outbound", "mo_text", "mo_media", "delivery_report_sms", "recipient_delivery_report_sms",
          "TEXT_DELIVERED", "TEXT_", "incoming"]  # fmt: skip


def bodies(gateway: str) -> st.SearchStrategy[bytes]:
    shaped = st.dictionaries(st.sampled_from(NAMES[gateway]), values | st.sampled_from(EVENTS), max_size=8)
    nested = st.fixed_dictionaries(
        {},
        optional={"payload": shaped, "results": st.lists(shaped, max_size=3), "statuses": st.lists(shaped, max_size=2)},
    )
    both = st.tuples(shaped, nested).map(lambda pair: json.dumps({**pair[0], **pair[1]}).encode())
    return both | st.binary(max_size=100)


@pytest.mark.parametrize("gateway", NAMES)
@pytest.mark.parametrize("end", ["", "/receipts"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_no_signed_body_is_an_error_of_ours(
    gateway: str, end: str, gateways: Gateways, data: st.DataObject
) -> None:
    body = data.draw(bodies(gateway))
    if gateway == "aws":
        message = data.draw(st.just(body.decode(errors="replace")) | st.text(max_size=20))
        body = SIGNER.signed(notification(message, Subject=data.draw(st.text(max_size=5))))
    before = len(gateways.published)
    response = await gateways.call(gateway, body, end=end)
    signs_queries_only = gateway == "generic" and not body
    assert response.status_code in ({401} if signs_queries_only else {200, 400, 422})
    is_error = "error" in response.json()
    assert is_error == signs_queries_only or PARKED_MESSAGES in gateways.topics()[before:]
