"""Signatures of gateways, made or judged by the vendors' own libraries: what they accept is accepted, nothing else."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gateway_requests import ORIGIN
from gateway_signers import (
    FIELDS,
    KEY,
    NOW,
    OTHER,
    PATH,
    SHARED,
    Signed,
    credential,
    plivo,
    plivo_v3,
    public_key_of,
    telnyx,
    twilio,
    twilio_json,
    twilio_port,
    twilio_shared_key,
    vonage_messages,
    vonage_sms,
    vonage_sms_json,
)
from hypothesis import given
from hypothesis import strategies as st
from plivo.utils import validate_signature
from plivo.utils.signature_v3 import validate_v3_signature
from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature
from twilio.request_validator import RequestValidator
from vonage_jwt import verify_signature

from services.inbound.gateways.credentials import TOLERANCE_SECONDS, GatewayCredential
from services.inbound.gateways.plivo import PlivoCredential
from services.inbound.gateways.signatures import hmac_base64
from services.inbound.gateways.telnyx import TelnyxCredential
from services.inbound.gateways.twilio import TwilioCredential
from services.inbound.gateways.vonage_messages import VonageMessagesCredential
from services.inbound.gateways.vonage_sms import REPEATED_FOR_SECONDS, VonageSmsCredential

SCHEMES = [
    twilio, twilio_shared_key, twilio_port, twilio_json, telnyx, vonage_sms, vonage_sms_json, vonage_messages, plivo,
    plivo_v3,
]  # fmt: skip
COVER_THE_BODY = [scheme for scheme in SCHEMES if scheme is not plivo]
COVER_THE_URL = [twilio, twilio_shared_key, twilio_json, plivo, plivo_v3]
IN_HEADERS = [scheme for scheme in SCHEMES if scheme not in {vonage_sms, vonage_sms_json}]

each = pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.__name__)


@each
async def test_what_the_gateway_signed_is_accepted(scheme: Callable[[], Signed]) -> None:
    assert await scheme().is_accepted()


@each
async def test_what_another_key_signed_is_refused(scheme: Callable[[], Signed]) -> None:
    signed = scheme()
    other = {
        TwilioCredential: {"auth_token": OTHER, "shared_keys": {"webhooks_sharedkey_1": OTHER}},
        TelnyxCredential: {"public_key": public_key_of(Ed25519PrivateKey.generate())},
        VonageSmsCredential: {"signature_secret": OTHER, "method": "sha256"},
        VonageMessagesCredential: {"signature_secret": OTHER, "api_key": "abcd1234"},
        PlivoCredential: {"auth_token": OTHER},
    }[type(signed.credential)]
    assert not await replace(signed, credential=credential(type(signed.credential), **other)).is_accepted()


@pytest.mark.parametrize("scheme", COVER_THE_BODY, ids=lambda scheme: scheme.__name__)
@pytest.mark.parametrize("change", [b"STOP=START", b"", b"\xff"])
async def test_a_changed_body_is_refused(scheme: Callable[[], Signed], change: bytes) -> None:
    signed = scheme()
    old, _, new = change.partition(b"=")
    body = signed.body.replace(old, new) if new else change
    changed = replace(signed, body=body)
    assert changed.body == signed.body or not await changed.is_accepted()


@pytest.mark.parametrize("scheme", COVER_THE_URL, ids=lambda scheme: scheme.__name__)
async def test_a_changed_url_is_refused(scheme: Callable[[], Signed]) -> None:
    assert not await replace(scheme(), origin="https://elsewhere.example.com").is_accepted()


@pytest.mark.parametrize("scheme", IN_HEADERS, ids=lambda scheme: scheme.__name__)
async def test_without_one_of_its_headers_it_is_refused(scheme: Callable[[], Signed]) -> None:
    signed = scheme()
    for name in signed.headers:
        left = {other: value for other, value in signed.headers.items() if other != name}
        assert not await replace(signed, headers=left).is_accepted()


@pytest.mark.parametrize("scheme", IN_HEADERS, ids=lambda scheme: scheme.__name__)
@pytest.mark.parametrize(
    "value", ["", "x", "é", "Bearer", "Bearer a.b.c", "=" * 60_000, "A" * 60_000, "key=,algorithm="]
)
async def test_headers_without_a_signature_are_refused(scheme: Callable[[], Signed], value: str) -> None:
    signed = scheme()
    for name in signed.headers:
        changed = replace(signed, headers={**signed.headers, name: value})
        assert not await changed.is_accepted()


@pytest.mark.parametrize(
    ("scheme", "oldest_seconds"),
    [(telnyx, 0), (vonage_sms, REPEATED_FOR_SECONDS), (vonage_messages, REPEATED_FOR_SECONDS)],
)
async def test_a_timestamp_too_far_from_ours_is_refused(scheme: Callable[..., Signed], oldest_seconds: int) -> None:
    for seconds, accepted in (
        (-TOLERANCE_SECONDS - oldest_seconds, True),
        (-TOLERANCE_SECONDS - oldest_seconds - 1, False),
        (TOLERANCE_SECONDS, True),
        (TOLERANCE_SECONDS + 1, False),
    ):
        assert await scheme(at=NOW + timedelta(seconds=seconds)).is_accepted() == accepted


@pytest.mark.parametrize(
    "changed",
    [
        {"payload_hash": hashlib.sha256(b"other").hexdigest()},
        {"payload_hash": None},
        {"api_key": "other"},
    ],
)
async def test_a_vonage_token_must_name_the_body_the_account_and_the_time(changed: dict[str, Any]) -> None:
    signed = vonage_messages(**changed)
    assert verify_signature(signed.headers["Authorization"].partition(" ")[2], SHARED)  # the library checks no more
    assert not await signed.is_accepted()
    assert not await vonage_messages(iat="x").is_accepted()


async def test_a_vonage_token_that_names_no_algorithm_is_refused() -> None:
    signed = vonage_messages()
    claims = jwt.decode(signed.headers["Authorization"].partition(" ")[2], options={"verify_signature": False})
    token = jwt.encode(claims, None, algorithm="none")
    assert not await replace(signed, headers={"Authorization": f"Bearer {token}"}).is_accepted()


@pytest.mark.parametrize("method", ["md5", "sha1", "sha256", "sha512"])
async def test_a_vonage_signature_is_of_the_method_that_is_set(method: str) -> None:
    signed = vonage_sms(method)
    assert await signed.is_accepted()
    others = {"md5hash", "md5", "sha1", "sha256", "sha512"} - {method}
    for other in others:
        account = credential(VonageSmsCredential, signature_secret=SHARED, method=other)
        assert not await replace(signed, credential=account).is_accepted()


@pytest.mark.parametrize("origin", ["http://[", "http://h:port", "http://h:99999", "http://", "http://[::1"])
async def test_a_host_that_is_none_is_refused(origin: str) -> None:
    assert not await replace(twilio(), origin=origin).is_accepted()


@pytest.mark.parametrize("origin", ["https://user:word@hooks.example.com", "https://[::1]"])
@pytest.mark.parametrize("port", ["", ":443"])
async def test_a_public_url_may_name_a_user_or_an_address(origin: str, port: str) -> None:
    url = f"{origin}{PATH}"
    headers = {"X-Twilio-Signature": RequestValidator(SHARED).compute_signature(url, FIELDS)}
    assert await replace(twilio(), origin=f"{origin}{port}", headers=headers).is_accepted()


async def test_plivos_older_scheme_leaves_the_body_unsigned_and_its_newer_one_is_checked_where_it_is_given() -> None:
    assert await replace(plivo(), body=b"Text=START").is_accepted()
    both = replace(plivo(), headers={**plivo().headers, **plivo_v3().headers})
    assert await both.is_accepted()
    assert not await replace(both, body=b"Text=START").is_accepted()


_FORMS = st.dictionaries(st.text(max_size=12).filter(bool), st.text(max_size=40), max_size=8).filter(bool)


@given(_FORMS)
async def test_any_form_is_judged_as_the_vendors_libraries_judge_it(fields: dict[str, str]) -> None:
    body = urlencode(fields).encode()
    sent = dict(parse_qsl(body.decode(), keep_blank_values=True))
    url = f"{ORIGIN}{PATH}"
    by_twilio = RequestValidator(SHARED).compute_signature(url, sent)
    signed = Signed(credential(TwilioCredential, auth_token=SHARED), body, {"X-Twilio-Signature": by_twilio})
    assert await signed.is_accepted()
    nonce = "05429567804466091622"
    by_plivo = hmac_base64(
        SHARED, f"{url}?{''.join(k + v for k, v in sorted(sent.items()))}.{nonce}".encode(), "sha256"
    )
    assert validate_v3_signature("POST", url, nonce, SHARED, by_plivo, dict(sent))
    headers = {"X-Plivo-Signature-V3": f"wrong,{by_plivo}", "X-Plivo-Signature-V3-Nonce": nonce}
    assert await Signed(credential(PlivoCredential, auth_token=SHARED), body, headers).is_accepted()


def test_the_vendors_libraries_accept_what_these_tests_sign() -> None:
    signed = plivo()
    nonce = signed.headers["X-Plivo-Signature-V2-Nonce"]
    assert validate_signature(ORIGIN + PATH, nonce, signed.headers["X-Plivo-Signature-V2"], SHARED)
    signed = telnyx(datetime.now(UTC))
    verify_webhook_signature(signed.body, signed.headers, public_key_of(KEY))
    with pytest.raises(WebhookVerificationError):
        verify_webhook_signature(b"other", signed.headers, public_key_of(KEY))
    assert RequestValidator(SHARED).validate(ORIGIN + PATH, FIELDS, twilio_port().headers["X-Twilio-Signature"])


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (TwilioCredential, {}),
        (TwilioCredential, {"auth_token": ""}),
        (TwilioCredential, {"shared_keys": {"k": ""}}),
        (TelnyxCredential, {"public_key": "short"}),
        (VonageSmsCredential, {"signature_secret": "", "method": "sha256"}),
        (VonageSmsCredential, {"signature_secret": SHARED, "method": "none"}),
        (VonageSmsCredential, {"signature_secret": SHARED}),
        (VonageMessagesCredential, {"signature_secret": SHARED}),
        (PlivoCredential, {"auth_token": "short"}),
    ],
)
def test_a_credential_that_anybody_could_sign_with_is_refused(
    kind: type[GatewayCredential], fields: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="validation error"):
        kind.model_validate(fields)
