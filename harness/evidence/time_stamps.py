"""Requests to a time-stamping service (RFC 3161): that a hash existed at a time, signed by somebody else."""

import secrets

from shared.errors import TransientError

QUERY_TYPE, REPLY_TYPE = "application/timestamp-query", "application/timestamp-reply"
_SEQUENCE, _INTEGER, _OCTETS, _TRUE = 0x30, 0x02, 0x04, bytes.fromhex("0101ff")
_SHA256 = bytes.fromhex("300d06096086480165030402010500")  # AlgorithmIdentifier of 2.16.840.1.101.3.4.2.1
_LONG_FORM = 0x80
_GRANTED = (bytes.fromhex("020100"), bytes.fromhex("020101"))  # granted, granted with modifications


def new_nonce() -> bytes:
    """Return what makes a reply the answer to this one query; positive as an INTEGER."""
    return bytes([secrets.randbelow(127) + 1]) + secrets.token_bytes(7)


def query(digest: bytes, nonce: bytes) -> bytes:
    """Return the TimeStampReq for a SHA-256 in DER, asking for the service's certificate too."""
    imprint = _der(_SEQUENCE, _SHA256 + _der(_OCTETS, digest))
    return _der(_SEQUENCE, _der(_INTEGER, b"\x01") + imprint + _der(_INTEGER, nonce) + _TRUE)


def check_reply(reply: bytes, digest: bytes, nonce: bytes) -> None:
    """Refuse a TimeStampResp that is not granted, or is of another query; its signature is for whoever verifies it.

    Raises:
        TransientError: the service refused, or answered something else.
    """
    status = _content(_content(reply))
    if status[:3] not in _GRANTED:
        raise TransientError(f"the time-stamping service refused: {reply[:200].hex()}")
    if digest not in reply or _der(_INTEGER, nonce) not in reply:
        raise TransientError("the time-stamping service answered another query")


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < _LONG_FORM:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG_FORM | len(length)]) + length + content


def _content(element: bytes) -> bytes:
    """Return what follows the tag and the length of a SEQUENCE; empty where it is none."""
    if len(element) < 2 or element[0] != _SEQUENCE:  # noqa: PLR2004 (tag and length)
        return b""
    more = element[1] - _LONG_FORM if element[1] >= _LONG_FORM else 0
    return element[2 + more :]
