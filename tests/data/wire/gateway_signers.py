"""Requests as gateways sign them, made by the vendors' own libraries where those can sign."""

import base64
import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gateway_requests import ORIGIN, gateway_request
from twilio.request_validator import RequestValidator
from vonage_http_client.auth import Auth

from services.inbound.fields import FORM
from services.inbound.gateways.credentials import GatewayCredential
from services.inbound.gateways.plivo import PlivoCredential
from services.inbound.gateways.signatures import hmac_base64
from services.inbound.gateways.telnyx import TelnyxCredential
from services.inbound.gateways.twilio import TwilioCredential
from services.inbound.gateways.vonage_messages import VonageMessagesCredential
from services.inbound.gateways.vonage_sms import VonageSmsCredential

NOW = datetime.now(UTC).replace(microsecond=0)
SHARED = "a-secret-of-these-tests-and-long-enough"
OTHER = "another-secret-of-these-tests-and-long-enough"
PATH = "/webhooks/gateway/acme/secret"
FIELDS = {"From": "+14155550100", "Body": "STOP & go = away", "FromCity": "", "To": "+18335550123"}
KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"a key of these tests").digest())
"""Its library is not the one that services check with."""


def public_key_of(key: Ed25519PrivateKey) -> str:
    """Return the public key as Telnyx's portal shows it."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


@dataclass(frozen=True)
class Signed:
    """A request that the gateway signed, and the credential that checks it."""

    credential: GatewayCredential
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    query: bytes = b""
    content_type: str = FORM
    received_at: datetime = NOW
    origin: str = ORIGIN

    async def is_accepted(self) -> bool:
        headers = {"content-type": self.content_type, **self.headers}
        query = self.query.decode()
        request = gateway_request(self.body, headers, path=PATH, query=query, now=self.received_at)
        return await self.credential.has_signed(replace(request, origin=self.origin))


def credential(kind: type[GatewayCredential], **fields: Any) -> GatewayCredential:
    return kind.model_validate(fields)


def twilio(*, shared_key: bool = False, port: str = "") -> Signed:
    algorithm = "HMAC_SHA256" if shared_key else None
    signature = RequestValidator(SHARED).compute_signature(f"{ORIGIN}{port}{PATH}", FIELDS, algorithm)
    settings = {"X-Twilio-Webhooks-Signature-Settings": "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"}
    account = {"shared_keys": {"webhooks_sharedkey_1": SHARED}} if shared_key else {"auth_token": SHARED}
    headers = {"X-Twilio-Signature": signature, **(settings if shared_key else {})}
    return Signed(credential(TwilioCredential, **account), urlencode(FIELDS).encode(), headers)


def twilio_shared_key() -> Signed:
    return twilio(shared_key=True)


def twilio_port() -> Signed:
    return twilio(port=":443")


def twilio_json() -> Signed:
    body = json.dumps(FIELDS)
    query = urlencode({"bodySHA256": hashlib.sha256(body.encode()).hexdigest()})
    url = f"{ORIGIN}{PATH}?{query}"
    signature = RequestValidator(SHARED).compute_signature(url, {})
    assert RequestValidator(SHARED).validate(url, body, signature)
    account = credential(TwilioCredential, auth_token=SHARED)
    return Signed(account, body.encode(), {"X-Twilio-Signature": signature}, query.encode(), "application/json")


def telnyx(at: datetime = NOW, body: bytes = b'{"data": {"event_type": "message.received"}}') -> Signed:
    timestamp = str(int(at.timestamp()))
    signature = base64.b64encode(KEY.sign(f"{timestamp}|".encode() + body)).decode()
    public_key = public_key_of(KEY)
    headers = {"telnyx-signature-ed25519": signature, "telnyx-timestamp": timestamp}
    return Signed(credential(TelnyxCredential, public_key=public_key), body, headers, b"", "application/json")


def vonage_sms(method: str = "sha256", at: datetime = NOW, content_type: str = FORM) -> Signed:
    fields = {**FIELDS, "msisdn": "447700900001", "timestamp": str(int(at.timestamp())), "nonce": uuid4().hex}
    auth = Auth(api_key="k", api_secret=OTHER, signature_secret=SHARED, signature_method=method)
    fields["sig"] = auth.sign_params(dict(fields)).upper()
    body = urlencode(fields) if content_type == FORM else json.dumps(fields)
    account = credential(VonageSmsCredential, signature_secret=SHARED, method=method)
    return Signed(account, body.encode(), content_type=content_type)


def vonage_sms_json() -> Signed:
    return vonage_sms("sha512", content_type="application/json")


def vonage_messages(at: datetime = NOW, body: bytes = b'{"channel": "sms", "text": "STOP"}', **changed: Any) -> Signed:
    hashed = hashlib.sha256(body).hexdigest()
    claims = {"iss": "Vonage", "iat": int(at.timestamp()), "jti": str(uuid4()), "api_key": "abcd1234"}
    token = jwt.encode({**claims, "payload_hash": hashed, **changed}, SHARED, algorithm="HS256")
    account = credential(VonageMessagesCredential, signature_secret=SHARED, api_key="abcd1234")
    return Signed(account, body, {"Authorization": f"Bearer {token}"}, b"", "application/json")


def plivo(version: str = "v2") -> Signed:
    nonce = "05429567804466091622"
    body = urlencode(FIELDS).encode()
    content = ORIGIN + PATH + nonce
    if version == "v3":
        content = f"{ORIGIN}{PATH}?{''.join(k + v for k, v in sorted(FIELDS.items()))}.{nonce}"
    name = f"X-Plivo-Signature-{version.upper()}"
    headers = {name: hmac_base64(SHARED, content.encode(), "sha256"), f"{name}-Nonce": nonce}
    return Signed(credential(PlivoCredential, auth_token=SHARED), body, headers)


def plivo_v3() -> Signed:
    return plivo("v3")
