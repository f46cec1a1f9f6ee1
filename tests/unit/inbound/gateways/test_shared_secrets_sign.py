"""Signatures of Sinch, Infobip and Standard Webhooks, against the clients of Sinch and of Standard Webhooks.

Infobip has no client that checks one.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from gateway_requests import gateway_request
from pydantic import ValidationError
from sinch.domains.sms.sinch_events.v1.sms_sinch_event import SmsSinchEvent
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.inbound.gateways.generic import GenericCredential
from services.inbound.gateways.infobip import InfobipCredential
from services.inbound.gateways.sinch import SinchCredential

SECRET = "a secret that they have arranged"  # noqa: S105 (of these tests)
BODY = json.dumps(
    {"type": "mo_text", "from": "16051234567", "body": "STOP \u2014 caf\u00e9"}, ensure_ascii=False
).encode()
NOW = datetime.now(UTC).replace(microsecond=0)
UNIX = str(int(NOW.timestamp()))
BASIC = "Basic " + base64.b64encode(b"stopline:hunter2 and more").decode()


def sinch_headers(
    timestamp: str = UNIX, nonce: str = "01F", body: bytes = BODY, secret: str = SECRET
) -> dict[str, str]:
    signed = body + f".{nonce}.{timestamp}".encode()
    signature = base64.b64encode(hmac.digest(secret.encode(), signed, hashlib.sha256)).decode()
    names = ("x-sinch-webhook-signature", "x-sinch-webhook-signature-nonce", "x-sinch-webhook-signature-timestamp")
    return dict(zip(names, (signature, nonce, timestamp), strict=True))


async def sinch_signed(headers: Mapping[str, str], body: bytes = BODY) -> bool:
    return await SinchCredential(secret=SECRET).has_signed(gateway_request(body, headers, now=NOW))


async def test_what_sinchs_client_accepts_is_accepted() -> None:
    assert SmsSinchEvent(SECRET).validate_authentication_header(sinch_headers(), BODY)
    assert await sinch_signed(sinch_headers())


@pytest.mark.parametrize("missing", sinch_headers())
async def test_a_request_without_one_of_sinchs_headers_is_refused(missing: str) -> None:
    headers = {name: value for name, value in sinch_headers().items() if name != missing}
    assert not SmsSinchEvent(SECRET).validate_authentication_header(headers, BODY)
    assert not await sinch_signed(headers)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (sinch_headers(secret=SECRET[1:]), BODY),
        (sinch_headers(), BODY + b" "),
        (sinch_headers() | {"x-sinch-webhook-signature-nonce": "02F"}, BODY),
    ],
)
async def test_what_sinchs_client_refuses_is_refused(headers: dict[str, str], body: bytes) -> None:
    assert not SmsSinchEvent(SECRET).validate_authentication_header(headers, body)
    assert not await sinch_signed(headers, body)


@pytest.mark.parametrize(
    ("seconds", "is_right"), [(300, True), (-300, True), (-301, False), (164_140, True), (164_141, False)]
)
async def test_sinchs_signature_is_too_old_when_sinch_repeats_no_more_which_its_client_does_not_see(
    seconds: int,
    is_right: bool,  # noqa: FBT001
) -> None:
    headers = sinch_headers(str(int(UNIX) - seconds))
    assert SmsSinchEvent(SECRET).validate_authentication_header(headers, BODY)
    assert await sinch_signed(headers) is is_right


@pytest.mark.parametrize("credential", [SinchCredential, InfobipCredential])
async def test_a_user_and_password_are_enough_where_that_is_arranged(
    credential: type[SinchCredential | InfobipCredential],
) -> None:
    ours = credential.model_validate({"username": "stopline", "password": "hunter2 and more"})
    assert await ours.has_signed(gateway_request(BODY, {"Authorization": BASIC}))
    for other in ("", "Basic", "Basic ", BASIC[:-4], BASIC.lower(), "Bearer " + BASIC[6:], "\u00e9"):
        assert not await ours.has_signed(gateway_request(BODY, {"Authorization": other}))
    assert not await ours.has_signed(gateway_request(BODY))


@pytest.mark.parametrize("credential", [SinchCredential, InfobipCredential])
@pytest.mark.parametrize(
    "given",
    [{}, {"username": "u"}, {"secret": ""}, {"secret": "s", "username": "u", "password": "p"}, {"sekret": "s"}],
)
def test_a_credential_is_a_secret_or_a_user_and_password(
    credential: type[SinchCredential | InfobipCredential], given: dict[str, str]
) -> None:
    with pytest.raises(ValidationError):
        credential.model_validate(given)


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("written", ["{hex}", "{name}={hex}", "{base64}"])
async def test_infobips_signature_of_the_body_is_right_in_each_way_of_writing_it(algorithm: str, written: str) -> None:
    digest = hmac.digest(SECRET.encode(), BODY, algorithm)
    header = written.format(name=algorithm, hex=digest.hex(), base64=base64.b64encode(digest).decode())
    credential = InfobipCredential.model_validate({"secret": SECRET, "algorithm": algorithm, "header": "X-Their-Name"})
    assert await credential.has_signed(gateway_request(BODY, {"x-their-name": header}))
    assert not await credential.has_signed(gateway_request(BODY + b" ", {"x-their-name": header}))
    assert not await credential.has_signed(gateway_request(BODY, {"x-hub-signature": header}))
    other = InfobipCredential.model_validate({"secret": "another", "algorithm": algorithm, "header": "X-Their-Name"})
    assert not await other.has_signed(gateway_request(BODY, {"x-their-name": header}))


async def test_another_algorithm_than_the_profiles_is_refused() -> None:
    digest = hmac.digest(SECRET.encode(), BODY, "sha512").hex()
    for header in (digest, f"sha512={digest}", ""):
        assert not await InfobipCredential(secret=SECRET).has_signed(gateway_request(BODY, {"x-hub-signature": header}))


WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def standard_headers(at: datetime = NOW, body: bytes = BODY, secret: str = WHSEC) -> dict[str, str]:
    signature = Webhook(secret).sign("msg_1", at, body.decode())
    return {"webhook-id": "msg_1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


def their_verdict(headers: dict[str, str], body: bytes) -> bool:
    try:
        Webhook(WHSEC).verify(body, headers)
    except (WebhookVerificationError, ValueError):
        return False
    return True


@pytest.mark.parametrize("secret", [WHSEC, WHSEC.removeprefix("whsec_")])
async def test_what_standard_webhooks_signs_is_accepted(secret: str) -> None:
    headers = standard_headers(datetime.now(UTC))
    assert their_verdict(headers, BODY)
    credential = GenericCredential.model_validate({"secret": secret})
    assert await credential.has_signed(gateway_request(BODY, headers))


async def test_one_of_several_signatures_is_enough() -> None:
    headers = standard_headers(datetime.now(UTC))
    headers["webhook-signature"] = f"v1a,Zm9v v1,Zm9v {headers['webhook-signature']}"
    assert their_verdict(headers, BODY)
    assert await GenericCredential.model_validate({"secret": WHSEC}).has_signed(gateway_request(BODY, headers))


OTHER = "whsec_" + base64.b64encode(b"another key of enough bytes").decode()
FORGED: list[tuple[dict[str, str], bytes]] = [
    (standard_headers(secret=OTHER), BODY),
    (standard_headers(), BODY + b" "),
    (standard_headers() | {"webhook-id": "msg_2"}, BODY),
    (standard_headers() | {"webhook-timestamp": str(int(UNIX) - 1)}, BODY),
    (standard_headers(NOW - timedelta(hours=1)), BODY),
    (standard_headers(NOW + timedelta(hours=1)), BODY),
    (standard_headers() | {"webhook-signature": standard_headers()["webhook-signature"].replace("v1,", "v2,")}, BODY),
    (standard_headers() | {"webhook-signature": ""}, BODY),
    (standard_headers() | {"webhook-signature": "v1"}, BODY),
    (standard_headers() | {"webhook-signature": "v1,\u00e9"}, BODY),
    (standard_headers() | {"webhook-timestamp": "soon"}, BODY),
    (standard_headers() | {"webhook-id": ""}, BODY),
    ({}, BODY),
]


@pytest.mark.parametrize(("headers", "body"), FORGED)
async def test_what_standard_webhooks_refuses_is_refused(headers: dict[str, str], body: bytes) -> None:
    assert not their_verdict(headers, body)
    credential = GenericCredential.model_validate({"secret": WHSEC})
    assert not await credential.has_signed(gateway_request(body, headers, now=NOW))


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_fields_in_a_query_are_not_signed_and_so_refused(method: str) -> None:
    headers = standard_headers(body=b"")
    request = gateway_request(b"", headers, method=method, query="from=14155550100&body=STOP", now=NOW)
    assert not await GenericCredential.model_validate({"secret": WHSEC}).has_signed(request)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "not base64 %%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%"])
def test_a_secret_that_is_short_or_not_base64_is_refused(secret: str) -> None:
    with pytest.raises(ValidationError):
        GenericCredential.model_validate({"secret": secret})


def test_no_credential_shows_its_secret() -> None:
    shown: list[Any] = [
        SinchCredential(secret=SECRET),
        InfobipCredential(secret=SECRET),
        GenericCredential.model_validate({"secret": WHSEC}),
    ]
    assert SECRET not in repr(shown)
    assert WHSEC not in repr(shown)
