"""An account's webhook addresses; their secret is derived, so that `services/inbound` needs no database to check it."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from functools import lru_cache

_SECRETS_KEPT = 4096


def webhook_path(gateway: str, account_id: str, secret: str) -> str:
    """Return the path of the address at which `gateway` reports an account's replies."""
    return f"/webhooks/{gateway}/{account_id}/{secret}"


@lru_cache(maxsize=_SECRETS_KEPT)
def webhook_secret(webhook_key: str, account_id: str) -> str:
    """Return the account's secret: 160 bits of HMAC-SHA256 in lower-case base32 (32 characters)."""
    digest = hmac.new(webhook_key.encode(), f"webhook|{account_id}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest[:20]).decode().lower()


def matching_key(webhook_keys: Sequence[str], account_id: str, secret: str) -> int | None:
    """Return the index of the first key that `secret` is derived from; None where it is not the account's secret.

    Every key is compared, in constant time, so that the time does not show which one matched.
    """
    given = secret.encode(errors="replace")
    matches = [hmac.compare_digest(webhook_secret(key, account_id).encode(), given) for key in webhook_keys]
    return matches.index(True) if any(matches) else None
