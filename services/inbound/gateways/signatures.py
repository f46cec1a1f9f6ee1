"""Helpers that check signatures; a comparison takes the same time wherever the two differ."""

import base64
import hmac


def same(expected: str, given: str) -> bool:
    """Return whether a signature is the expected one."""
    return hmac.compare_digest(expected.encode(), given.encode(errors="replace"))


def hmac_base64(key: str, content: bytes, algorithm: str) -> str:
    return base64.b64encode(hmac.digest(key.encode(), content, algorithm)).decode()


def hmac_hex(key: str, content: bytes, algorithm: str) -> str:
    return hmac.digest(key.encode(), content, algorithm).hex()
