"""The secret in an account's webhook address: derived, so that `services/inbound` needs no database to check it."""

import base64
import hashlib
import hmac


def webhook_secret(webhook_key: str, account_id: str) -> str:
    """Return the account's secret: 160 bits of HMAC-SHA256 in lower-case base32 (32 characters)."""
    digest = hmac.new(webhook_key.encode(), f"webhook|{account_id}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest[:20]).decode().lower()


def is_webhook_secret(webhook_key: str, account_id: str, secret: str) -> bool:
    """Say in constant time whether `secret` is the account's; an account that does not exist has none that is."""
    return hmac.compare_digest(webhook_secret(webhook_key, account_id).encode(), secret.encode(errors="replace"))
