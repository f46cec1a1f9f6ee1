"""MessageBird's and Bird's signatures, against what MessageBird's own client signs and accepts.

Bird has no client for Python: its requests are signed here as docs.bird.com says.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from gateway_requests import ORIGIN, gateway_request
from messagebird.error import ValidationError
from messagebird.request_validator import RequestValidator
from messagebird.signed_request import SignedRequest

from services.inbound.fields import read_fields
from services.inbound.gateways.bird import BirdCredential, BirdMessage
from services.inbound.gateways.json_web_tokens import verified_claims
from services.inbound.gateways.messagebird import MessageBirdCredential

KEY = "a-signing-key-that-is-long-enough-for-the-longest-of-their-three-algorithms"
PATH = "/webhooks/messagebird/acme/secret"
URL = f"{ORIGIN}{PATH}"
BODY = json.dumps({"originator": "31612345678", "payload": "STOP"}).encode()
CREDENTIAL = MessageBirdCredential(signing_key=KEY)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    all_of_them = {
        "iss": "MessageBird",
        "nbf": now - 1,
        "exp": now + 60,
        "jti": "5f1",
        "url_hash": sha256(URL.encode()),
        "payload_hash": sha256(BODY),
        **changed,
    }
    return {name: value for name, value in all_of_them.items() if value is not None}


def token(algorithm: str = "HS256", key: str = KEY, **changed: Any) -> str:
    return jwt.encode(claims(**changed), "" if algorithm == "none" else key, algorithm)


async def is_accepted(given: str, body: bytes = BODY, query: str = "") -> bool:
    request = gateway_request(body, {"MessageBird-Signature-JWT": given}, path=PATH, query=query)
    return await CREDENTIAL.has_signed(request)


def their_client_accepts(given: str, body: bytes = BODY, query: str = "") -> bool:
    url = f"{URL}?{query}" if query else URL
    try:
        RequestValidator(KEY).validate_signature(given, url, body)
    except (ValidationError, KeyError):
        return False
    return True


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_what_their_client_accepts_is_accepted(algorithm: str) -> None:
    given = token(algorithm)
    assert their_client_accepts(given)
    assert await is_accepted(given)


async def test_a_get_has_its_fields_in_the_signed_url_and_no_body() -> None:
    query = "originator=31612345678&body=STOP"
    given = token(url_hash=sha256(f"{URL}?{query}".encode()), payload_hash=None)
    assert their_client_accepts(given, b"", query)
    assert await is_accepted(given, b"", query)
    assert not await is_accepted(given, b"", query.replace("STOP", "START"))


REFUSED: dict[str, Callable[[], str]] = {
    "another key": lambda: token(key="another-signing-key-that-is-long-enough-for-the-longest-of-the-three-algorithms"),
    "no signature": lambda: token("none"),
    "another algorithm": lambda: token().replace(
        token().split(".")[0], base64.urlsafe_b64encode(b'{"alg":"RS256","typ":"JWT"}').decode().rstrip("=")
    ),
    "another issuer": lambda: token(iss="Somebody"),
    "no issuer": lambda: token(iss=None),
    "expired": lambda: token(exp=int(time.time()) - 60),
    "no end": lambda: token(exp=None),
    "not yet in force": lambda: token(nbf=int(time.time()) + 120),
    "no start": lambda: token(nbf=None),
    "another body": lambda: token(payload_hash=sha256(b"{}")),
    "no hash of the body": lambda: token(payload_hash=None),
    "another url": lambda: token(url_hash=sha256(b"https://elsewhere.example.com/")),
    "no hash of the url": lambda: token(url_hash=None),
    "empty": lambda: "",
    "not a token": lambda: "a.b.c",
    "too long": lambda: token(jti="x" * 5000),
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
async def test_what_is_not_messagebirds_token_for_this_request_is_refused(make: Callable[[], str]) -> None:
    given = make()
    assert not await is_accepted(given)
    assert not their_client_accepts(given) or len(given) > 4096


@pytest.mark.parametrize(
    "changed", [{"exp": "soon"}, {"exp": True, "nbf": True}, {"nbf": 10**400}, {"exp": 1e400}, {"payload_hash": 17}]
)
async def test_claims_of_odd_types_are_read_without_an_error(changed: dict[str, Any]) -> None:
    assert await is_accepted(token(**changed)) == (changed == {"exp": 1e400})


def test_a_token_with_a_critical_header_is_refused() -> None:
    given = jwt.encode({"a": 1}, KEY, "HS256", headers={"crit": ["theirs"], "theirs": True})
    assert verified_claims(given, KEY.encode(), ["HS256"]) is None


def test_only_the_pinned_algorithms_count() -> None:
    assert verified_claims(token("HS512"), KEY.encode(), ["HS256"]) is None
    assert verified_claims(token("HS256"), KEY.encode(), ["HS256"]) == claims()
    assert verified_claims(jwt.encode({}, "", "none"), b"", ["none"]) is None


def older_signature(timestamp: str, query: str, body: bytes, key: str = KEY) -> str:
    pairs = "&".join(sorted(query.split("&"))) if query else ""
    signed = f"{timestamp}\n{pairs}\n".encode() + hashlib.sha256(body).digest()
    return base64.b64encode(hmac.digest(key.encode(), signed, "sha256")).decode()


async def older(timestamp: str, query: str, body: bytes, signature: str) -> bool:
    headers = {"MessageBird-Signature": signature, "MessageBird-Request-Timestamp": timestamp}
    return await CREDENTIAL.has_signed(gateway_request(body, headers, path=PATH, query=query))


@pytest.mark.parametrize("query", ["", "recipient=31970102030&body=STOP+now&id=1", "b=2&a=1&b=1"])
async def test_the_older_signature_is_as_their_client_checks_it(query: str) -> None:
    now = str(int(time.time()))
    body = b"" if query else BODY
    signature = older_signature(now, query, body)
    parameters: dict[str, list[str]] = {}
    for name, _, value in (pair.partition("=") for pair in query.split("&") if pair):
        parameters.setdefault(name, []).append(value.replace("+", " "))
    if query == "b=2&a=1&b=1":
        signature = base64.b64encode(
            hmac.digest(KEY.encode(), f"{now}\na=1&b=2&b=1\n".encode() + hashlib.sha256(body).digest(), "sha256")
        ).decode()
    with pytest.warns(DeprecationWarning, match="signed_request"):
        theirs = SignedRequest(signature, now, body.decode(), parameters)
    with pytest.warns(DeprecationWarning, match="signed_request"):
        assert theirs.verify(KEY)
    assert await older(now, query, body, signature)


@pytest.mark.parametrize(
    ("age_seconds", "older_is_right", "birds_is_right"),
    [
        (0, True, True),
        (299, True, True),
        (-299, True, True),
        (-301, False, False),
        (301, False, True),
        (8 * 3600 + 299, False, True),
        (8 * 3600 + 301, False, False),
    ],
)
async def test_the_older_signature_counts_for_five_minutes_and_birds_while_bird_repeats(
    age_seconds: int,
    older_is_right: bool,  # noqa: FBT001
    birds_is_right: bool,  # noqa: FBT001
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    timestamp = str(int((now - timedelta(seconds=age_seconds)).timestamp()))
    for credential, signature, is_right in (
        (CREDENTIAL, older_signature(timestamp, "", BODY), older_is_right),
        (BirdCredential(signing_key=KEY), birds_signature(timestamp, URL, BODY), birds_is_right),
    ):
        headers = {"messagebird-signature": signature, "messagebird-request-timestamp": timestamp}
        assert await credential.has_signed(gateway_request(BODY, headers, path=PATH, now=now)) is is_right


def birds_signature(timestamp: str, url: str, body: bytes, key: str = KEY) -> str:
    signed = f"{timestamp}\n{url}\n".encode() + hashlib.sha256(body).digest()
    return base64.b64encode(hmac.digest(key.encode(), signed, "sha256")).decode()


@pytest.mark.parametrize("is_first", [True, False])
def test_what_bird_says_beside_the_payload_is_not_the_messages(is_first: bool) -> None:  # noqa: FBT001
    payload = {"id": "m-1", "sender": {"contact": {"identifierValue": "+14155550100"}}}
    own = {"id": "delivery-1", "createdAt": "2026-11-24T11:13:00Z", "event": "sms.inbound"}
    body = own | {"payload": payload} if is_first else {"payload": payload} | own
    [report] = BirdMessage.reports(read_fields("application/json", json.dumps(body).encode()))
    message = report.model.model_validate(report.fields)
    assert isinstance(message, BirdMessage)
    assert (message.gateway_message_id, message.sent_at) == ("m-1", None)


NOW = str(int(time.time()))


@pytest.mark.parametrize(
    ("signature", "timestamp", "body"),
    [
        (birds_signature(NOW, URL, BODY, "another key"), NOW, BODY),
        (birds_signature(NOW, URL + "x", BODY), NOW, BODY),
        (birds_signature(NOW, URL, BODY), NOW, BODY + b" "),
        (birds_signature(NOW, URL, BODY), str(int(NOW) + 1), BODY),
        (birds_signature("", URL, BODY), "", BODY),
        (birds_signature("soon", URL, BODY), "soon", BODY),
        ("", NOW, BODY),
        ("\u00e9%%", NOW, BODY),
    ],
    ids=[
        "another key",
        "another address",
        "a longer body",
        "another time",
        "no time",
        "a time that is none",
        "no signature",
        "a signature that is none",
    ],
)
async def test_what_bird_did_not_sign_is_refused(signature: str, timestamp: str, body: bytes) -> None:
    headers = {"messagebird-signature": signature, "messagebird-request-timestamp": timestamp}
    request = gateway_request(body, headers, path=PATH)
    assert not await BirdCredential(signing_key=KEY).has_signed(request)
    assert not await CREDENTIAL.has_signed(request)
