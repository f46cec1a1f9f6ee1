"""Tokens that take the place of the operator's own for an hour; nothing is stored, and another token ends them all."""

import hashlib
import hmac

SESSION_SECONDS = 3_600
_PREFIX = "operator"
_DIGITS = 12


def operator_session(admin_token: str, expires: int) -> str:
    """Return a token that is valid until `expires`, in seconds of Unix time."""
    signed = hmac.new(admin_token.encode(), f"{_PREFIX}|{expires}".encode(), hashlib.sha256).hexdigest()
    return f"{_PREFIX}.{expires}.{signed}"


def is_operator_session(admin_token: str, token: str, now: float) -> bool:
    """Return whether it is such a token, and has not expired."""
    prefix, _, rest = token.partition(".")
    expires = rest.partition(".")[0]
    if prefix != _PREFIX or not (expires.isascii() and expires.isdecimal()) or len(expires) > _DIGITS:
        return False
    is_ours = hmac.compare_digest(operator_session(admin_token, int(expires)).encode(), token.encode())
    return is_ours and now < int(expires)
