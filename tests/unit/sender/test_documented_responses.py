"""Each carrier's documented responses mean what they should, through the real client: `tests/data/carriers`."""

import json
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from aiohttp import web

from services.sender.carriers import CARRIERS
from services.sender.carriers.carrier import Accepted, Blocked, CallResult, Refused, Throttled, Unknown
from services.sender.carriers.choose import client_of
from shared.aws_signature import AwsKey, signed_headers
from shared.events.outbound import MessageRequested
from shared.settings import load
from shared.suppressions.fence_pass import boottime

FOLDER = Path(__file__).parents[2] / "data" / "carriers"
SECRET = "a-secret-of-these-tests-only"  # noqa: S105
SETTINGS = {
    "aws": {"ACCESS_KEY_ID": "AKID", "SECRET_ACCESS_KEY": SECRET, "REGION": "us-east-1", "OPT_OUT_LIST": "Default"},
    "clicksend": {"USERNAME": "ada", "API_KEY": SECRET},
    "plivo": {"AUTH_ID": "MA123", "AUTH_TOKEN": SECRET, "CALLBACK": "https://in.example/receipts"},
    "sinch": {"SERVICE_PLAN_ID": "plan-1", "API_TOKEN": SECRET},
    "telnyx": {"API_KEY": SECRET, "MESSAGING_PROFILE_ID": "profile-1"},
    "twilio": {"ACCOUNT_SID": "AC00", "SECRET": SECRET, "MESSAGING_SERVICE_SID": "MG0123", "STATUS_CALLBACK": "https://in.example"},
    "vonage-messages": {"API_KEY": "abcd", "API_SECRET": SECRET, "WEBHOOK_URL": "https://in.example"},
    "vonage-sms": {"API_KEY": "abcd", "API_SECRET": SECRET},
}  # fmt: skip
CASES = [
    pytest.param(name, case, id=f"{name}: {case['source']}")
    for name in SETTINGS
    for case in json.loads((FOLDER / f"{name}.json").read_text())
]
ASKED = MessageRequested(
    account_id="acme",
    message_id="order-4711",
    list_id=7,
    phone="+14155550100",
    sender_number="+18335550123",
    body="Sale. Reply STOP to opt out",
)


def basic(user: str) -> str:
    return f"Basic {b64encode(f'{user}:{SECRET}'.encode()).decode()}"


REQUESTS: dict[str, tuple[str, str | None, dict[str, Any]]] = {
    "aws": ("/", None, {
        "DestinationPhoneNumber": "+14155550100", "OriginationIdentity": "+18335550123", "MessageBody": ASKED.body,
        "MessageType": "PROMOTIONAL", "Context": {"message_id": "order-4711"},
    }),
    "clicksend": ("/v3/sms/send", basic("ada"), {"messages": [{
        "source": "stopline", "from": "+18335550123", "to": "+14155550100", "body": ASKED.body,
        "custom_string": "order-4711",
    }]}),
    "plivo": ("/v1/Account/MA123/Message/", basic("MA123"), {
        "src": "+18335550123", "dst": "+14155550100", "text": ASKED.body, "url": "https://in.example/receipts",
    }),
    "sinch": ("/xms/v1/plan-1/batches", f"Bearer {SECRET}", {
        "from": "+18335550123", "to": ["+14155550100"], "body": ASKED.body, "delivery_report": "per_recipient",
        "client_reference": "order-4711",
    }),
    "telnyx": ("/v2/messages", f"Bearer {SECRET}", {
        "from": "+18335550123", "to": "+14155550100", "text": ASKED.body, "messaging_profile_id": "profile-1",
    }),
    "twilio": ("/2010-04-01/Accounts/AC00/Messages.json", basic("AC00"), {
        "To": "+14155550100", "From": "+18335550123", "Body": ASKED.body, "MessagingServiceSid": "MG0123",
        "StatusCallback": "https://in.example",
    }),
    "vonage-messages": ("/v1/messages", basic("abcd"), {
        "message_type": "text", "channel": "sms", "from": "18335550123", "to": "14155550100", "text": ASKED.body,
        "sms": {"encoding_type": "text"}, "client_ref": "order-4711", "webhook_url": "https://in.example",
    }),
    "vonage-sms": ("/sms/json", None, {
        "api_key": "abcd", "api_secret": SECRET, "from": "18335550123", "to": "14155550100", "text": ASKED.body,
        "type": "text", "client-ref": "order-4711",
    }),
}  # fmt: skip
"""Path, `Authorization` and content of the request for `ASKED`."""


@dataclass
class Company:
    """A carrier that gives one documented response to everything, and notes what it was asked."""

    status: int
    body: bytes
    headers: dict[str, str]
    asked: list[tuple[str, str | None, dict[str, Any]]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        fields = dict(parse_qsl(body)) if "form" in request.content_type else json.loads(body)
        self.asked.append((request.path, request.headers.get("Authorization"), fields))
        return web.Response(status=self.status, body=self.body, headers=self.headers)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/{path:.*}", self.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


async def sent(name: str, company: Company, monkeypatch: pytest.MonkeyPatch, asked: MessageRequested) -> CallResult:
    prefix = f"STOPLINE_{name.replace('-', '_').upper()}_"
    async with company.serving() as url:
        for setting, value in {"URL": url, **SETTINGS[name]}.items():
            monkeypatch.setenv(f"{prefix}{setting}", value)
        client = client_of(name, load(CARRIERS[name]), 1, 5)
        try:
            return await client.send(asked, boottime() + 5)
        finally:
            await client.close()


def expected(result: dict[str, Any]) -> CallResult | type[Unknown]:
    match result:
        case {"accepted": carrier_message_id}:
            return Accepted(carrier_message_id)
        case {"refused": reason, "pause_seconds": pause_seconds}:
            return Refused(reason, pause_seconds)
        case {"throttled": reason, "pause_seconds": pause_seconds, "pauses": pauses}:
            return Throttled(reason, pause_seconds, pauses)
        case {"blocked": code, "reason": reason, "pool_id": pool_id}:
            return Blocked(code, reason, pool_id)
        case _:
            return Unknown


@pytest.mark.parametrize(("name", "case"), CASES)
async def test_a_documented_response_is_understood(
    name: str, case: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = case["body"] if isinstance(case["body"], str) else json.dumps(case["body"])
    company = Company(case["status"], body.encode(), case.get("headers", {}))
    result, means = await sent(name, company, monkeypatch, ASKED), expected(case["result"])
    assert type(result) is Unknown if means is Unknown else result == means
    [(path, authorization, fields)] = company.asked
    assert (path, fields) == (REQUESTS[name][0], REQUESTS[name][2])
    assert REQUESTS[name][1] in (None, authorization)


@pytest.mark.parametrize("name", sorted(SETTINGS))
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"[[]]", b'{"data": 1}', b'{"messages": {}}', b"\xff", b'{"errors": [1]}', b"[" * 60_000]
)
async def test_no_response_of_another_form_is_taken_for_a_message_that_was_accepted_or_fails_to_be_read(
    name: str, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for status, kind in ((200, Unknown), (400, Refused), (500, Unknown), (302, Unknown)):
        assert type(await sent(name, Company(status, body, {}), monkeypatch, ASKED)) is kind, status


def test_every_carrier_of_a_company_has_its_documented_responses() -> None:
    assert sorted([*SETTINGS, "generic", "smpp"]) == sorted(CARRIERS)


async def test_vonage_gets_the_encoding_that_a_text_needs_and_no_reference_that_is_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    company = Company(200, b"{}", {})
    await sent("vonage-sms", company, monkeypatch, ASKED.model_copy(update={"body": "Да", "message_id": "m" * 101}))
    assert (company.asked[0][2]["type"], company.asked[0][2].get("client-ref")) == ("unicode", None)


async def test_aws_requests_are_signed_for_their_service_and_region(monkeypatch: pytest.MonkeyPatch) -> None:
    company = Company(200, b'{"MessageId": "m"}', {})
    await sent("aws", company, monkeypatch, ASKED)
    form = (
        r"AWS4-HMAC-SHA256 Credential=AKID/\d{8}/us-east-1/sms-voice/aws4_request, "
        r"SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=[0-9a-f]{64}"
    )
    assert re.fullmatch(form, company.asked[0][1] or "")


def test_a_signature_is_that_of_awss_own_test_suite() -> None:
    """The request `post-vanilla` of AWS's test suite for Signature Version 4."""
    key = AwsKey("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service")
    at = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
    signed = signed_headers(key, {"Host": "example.amazonaws.com"}, b"", at)
    assert signed["Authorization"].endswith("5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")
