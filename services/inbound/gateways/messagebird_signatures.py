"""How MessageBird signs its requests: a token that hashes URL and body, and the older signature of timestamp and body.

As MessageBird's own client checks them (`messagebird.request_validator`, `messagebird.signed_request`).
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from services.inbound.gateways.credentials import is_fresh
from services.inbound.gateways.encodings import decoded_base64
from services.inbound.gateways.json_web_tokens import is_in_force, verified_claims

TOKEN_HEADER = "messagebird-signature-jwt"  # noqa: S105 (a header's name)
SIGNATURE_HEADER = "messagebird-signature"
TIMESTAMP_HEADER = "messagebird-request-timestamp"
BIRD_REPEATS_FOR_SECONDS = 8 * 3600
"""docs.bird.com, "Retries"; whether a repetition has a new timestamp is not documented."""
_ALGORITHMS = ("HS256", "HS384", "HS512")


def is_token_valid(headers: Mapping[str, str], url: str, body: bytes, key: str, now: datetime) -> bool:
    """Say whether the request has a token of MessageBird's for this URL and this body, in force `now`."""
    claims = verified_claims(headers.get(TOKEN_HEADER, ""), key.encode(), _ALGORITHMS)
    return (
        claims is not None
        and claims.get("iss") == "MessageBird"
        and is_in_force(claims, now)
        and _has_hash(claims, "url_hash", url.encode())
        and (_has_hash(claims, "payload_hash", body) if body else not claims.get("payload_hash"))
    )


def _has_hash(claims: dict[str, Any], name: str, hashed: bytes) -> bool:
    given = claims.get(name)
    expected = hashlib.sha256(hashed).hexdigest()
    return isinstance(given, str) and hmac.compare_digest(expected.encode(), given.encode())


def is_older_signature_valid(headers: Mapping[str, str], query: bytes, body: bytes, key: str, now: datetime) -> bool:
    """Say whether the older signature is right: over the timestamp, the sorted query and the hash of the body."""
    timestamp = headers.get(TIMESTAMP_HEADER, "")
    if not is_fresh(timestamp, now):
        return False
    parameters = sorted(parse_qsl(query.decode("latin-1"), keep_blank_values=True), key=lambda pair: pair[0])
    signed = b"\n".join((timestamp.encode(), urlencode(parameters).encode(), hashlib.sha256(body).digest()))
    expected = hmac.digest(key.encode(), signed, hashlib.sha256)
    return hmac.compare_digest(expected, decoded_base64(headers.get(SIGNATURE_HEADER, "")))


def is_bird_signature_valid(headers: Mapping[str, str], url: str, body: bytes, key: str, now: datetime) -> bool:
    """Say whether Bird's signature is right: over the timestamp, the URL and the hash of the body.

    docs.bird.com, "Verifying a webhook subscription".
    """
    timestamp = headers.get(TIMESTAMP_HEADER, "")
    if not is_fresh(timestamp, now, repeated_for_seconds=BIRD_REPEATS_FOR_SECONDS):
        return False
    signed = b"\n".join((timestamp.encode(), url.encode(), hashlib.sha256(body).digest()))
    expected = hmac.digest(key.encode(), signed, hashlib.sha256)
    return hmac.compare_digest(expected, decoded_base64(headers.get(SIGNATURE_HEADER, "")))
