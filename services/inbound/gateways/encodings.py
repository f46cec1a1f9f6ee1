"""Signatures as headers write them, decoded without a way to fail."""

import base64
import binascii


def decoded_base64(text: str) -> bytes:
    """Return the bytes; nothing where it is not base64, so that it equals no signature."""
    try:
        return base64.b64decode(text.encode(), validate=True)
    except (binascii.Error, ValueError):
        return b""


def basic_authorization(username: str, password: str) -> bytes:
    """Return the Authorization header of a user and password (RFC 7617, in UTF-8)."""
    return b"Basic " + base64.b64encode(f"{username}:{password}".encode())
