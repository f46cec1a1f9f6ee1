"""JSON Web Tokens that gateways sign with a shared secret (RFC 7519, HMAC only), read and checked.

Only what two gateways need, and so without a library: no other algorithm can be confused with these, and the time of
the check is an argument.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

MAX_TOKEN_CHARACTERS = 4096
CLOCKS_DIFFER_SECONDS = 30
_HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def verified_claims(token: str, secret: bytes, algorithms: Collection[str]) -> dict[str, Any] | None:
    """Return the claims of a token that was signed with `secret`; None where it was not, or is not a token.

    Args:
        token: as the header has it, without a scheme.
        secret: that the gateway signs with.
        algorithms: the ones to accept, of HS256, HS384 and HS512; the token's own word chooses among these only.
    """
    if len(token) > MAX_TOKEN_CHARACTERS or token.count(".") != 2 or not secret:  # noqa: PLR2004 (three parts)
        return None
    signed, _, signature = token.rpartition(".")
    header, claims = (_object(part) for part in signed.split("."))
    if header is None or claims is None or "crit" in header:
        return None
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms or algorithm not in _HASHES:
        return None
    expected = hmac.digest(secret, signed.encode(), _HASHES[algorithm])
    return claims if hmac.compare_digest(expected, _decoded(signature)) else None


def is_in_force(claims: dict[str, Any], now: datetime) -> bool:
    """Say whether `now` is after `nbf` and before `exp`, up to a difference of the clocks; both must be there."""
    start, end = claims.get("nbf"), claims.get("exp")
    if not (isinstance(start, int | float) and isinstance(end, int | float)):
        return False
    return start - CLOCKS_DIFFER_SECONDS <= now.timestamp() < end + CLOCKS_DIFFER_SECONDS


def _object(part: str) -> dict[str, Any] | None:
    try:
        found = json.loads(_decoded(part))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _decoded(part: str) -> bytes:
    """Return the bytes of a part; nothing where it is not base64url, so that it equals no signature."""
    try:
        return base64.b64decode(part.encode() + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
