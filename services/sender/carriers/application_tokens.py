"""The tokens of a Vonage application: JSON Web Tokens (RFC 7519) that its private key signs, RS256.

A signature takes a millisecond of a processor in which no other call goes on, so that a token is used for some minutes.
"""

import json
import time
from base64 import urlsafe_b64encode
from functools import lru_cache
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_USED_SECONDS = 300
_VALID_SECONDS = 900
"""As long as Vonage takes a token that names no end; the longest that one of ours is used is well before."""
_MAX_KEPT = 1_024


def check_private_key(text: str) -> None:
    """Check that the text is a private key that can sign.

    Raises:
        ValueError: it is not; nothing of it is shown.
    """
    try:
        key = load_pem_private_key(_pem(text), None)
    except (ValueError, TypeError):
        raise ValueError("the private key is not one in PEM without a password") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("the private key is not an RSA key")  # noqa: TRY004 (pydantic's)


def application_token(application_id: str, private_key: str) -> str:
    """Return a token that is valid for some minutes from now."""
    return _token(application_id, private_key, int(time.time() // _USED_SECONDS))


@lru_cache(maxsize=_MAX_KEPT)
def _token(application_id: str, private_key: str, period: int) -> str:
    issued = period * _USED_SECONDS
    header = {"alg": "RS256", "typ": "JWT"}
    claims = {"application_id": application_id, "iat": issued, "exp": issued + _VALID_SECONDS, "jti": str(uuid4())}
    signed = b".".join(map(_part, (header, claims)))
    key = load_pem_private_key(_pem(private_key), None)
    if not isinstance(key, RSAPrivateKey):
        raise AssertionError("the private key was checked")  # noqa: TRY004 (it cannot be)
    return b".".join((signed, _base64(key.sign(signed, PKCS1v15(), SHA256())))).decode()


def _pem(text: str) -> bytes:
    """Return the key with its lines: where a variable of the environment has them escaped, they are read as lines."""
    return text.replace("\\n", "\n").encode()


def _part(value: object) -> bytes:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(value: bytes) -> bytes:
    return urlsafe_b64encode(value).rstrip(b"=")
