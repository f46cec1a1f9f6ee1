"""Signatures by the Standard Webhooks convention (standardwebhooks.com, 1.0): HMAC-SHA256 of `id.timestamp.body`."""

import base64
import hashlib
import hmac
from collections.abc import Iterable

_PREFIX = "whsec_"


def signing_secret(webhook_key: str, account_id: str) -> str:
    """Return the account's secret as receivers' libraries take it: `whsec_` and 32 bytes in Base64."""
    digest = hmac.new(webhook_key.encode(), f"standard-webhooks|{account_id}".encode(), hashlib.sha256).digest()
    return _PREFIX + base64.b64encode(digest).decode()


def signatures(secrets: Iterable[str], webhook_id: str, timestamp: int, body: bytes) -> str:
    """Return the header `webhook-signature`: one for each secret; a receiver accepts the one that it can check."""
    return " ".join(signature(secret, webhook_id, timestamp, body) for secret in secrets)


def signature(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """Return one signature."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = hmac.new(key, f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(signed).decode()
