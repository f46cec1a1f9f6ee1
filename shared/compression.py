"""Kafka's four codecs with a limit on what they may give: a megabyte of zstd can hold a gigabyte.

Sources: the numbers of the codecs are those of Kafka's record batch (attributes, bits 0 to 2). Java's clients write
snappy in the blocks of xerial's `SnappyOutputStream`, librdkafka without them.
"""

import struct
import zlib
from collections.abc import Callable, Iterator

import cramjam
import numpy as np

Codec = Callable[[bytes, int], bytes]

_GZIP_WINDOW_BITS = 31
_XERIAL_MAGIC = b"\x82SNAPPY\x00"
_XERIAL_HEADER_BYTES = 16
_BLOCK_LENGTH = struct.Struct(">i")
_MAX_VARINT_BYTES = 5
_FULL = "failed to write whole buffer"  # cramjam has one class for all errors


class TooLargeError(Exception):
    """The decompressed data has more bytes than the limit."""


def decompress(codec: int, data: bytes, limit_bytes: int) -> bytes:
    """Return what `data` holds; never takes more than about `limit_bytes` bytes of memory for it.

    Raises:
        TooLargeError: it holds more than `limit_bytes` bytes.
        Exception: it cannot be decompressed; each codec has errors of its own.
    """
    return _CODECS[codec](data, limit_bytes)


def _gzip(data: bytes, limit_bytes: int) -> bytes:
    found = bytearray()
    while data:
        member = zlib.decompressobj(_GZIP_WINDOW_BITS)
        found += member.decompress(data, limit_bytes - len(found) + 1)
        if len(found) > limit_bytes:
            raise TooLargeError(_too_large(limit_bytes))
        if not member.eof:
            raise ValueError("the gzip stream ends too early")
        data = member.unused_data
    return bytes(found)


def _snappy(data: bytes, limit_bytes: int) -> bytes:
    left, found = limit_bytes, []
    for block in _snappy_blocks(data):
        left -= _snappy_length(block)
        if left < 0:
            raise TooLargeError(_too_large(limit_bytes))
        found.append(bytes(cramjam.snappy.decompress_raw(block)))
    return b"".join(found)


def _snappy_blocks(data: bytes) -> Iterator[bytes]:
    if not data.startswith(_XERIAL_MAGIC):
        yield data
        return
    at = _XERIAL_HEADER_BYTES
    while at < len(data):
        (length,) = _BLOCK_LENGTH.unpack_from(data, at)
        at += _BLOCK_LENGTH.size
        if not 0 < length <= len(data) - at:
            raise ValueError(f"a snappy block of {length} bytes")
        yield data[at : at + length]
        at += length


def _snappy_length(block: bytes) -> int:
    """Return the length that the block says it has when it is decompressed: a varint at its beginning."""
    length = 0
    for place, byte in enumerate(block[:_MAX_VARINT_BYTES]):
        length |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:  # noqa: PLR2004 (the bit that says that more follows)
            return length
    raise ValueError("a snappy block without its length")


def _lz4(data: bytes, limit_bytes: int) -> bytes:
    return _into(cramjam.lz4.decompress_into, data, limit_bytes)


def _zstd(data: bytes, limit_bytes: int) -> bytes:
    return _into(cramjam.zstd.decompress_into, data, limit_bytes)


def _into(decompress_into: Callable[..., int], data: bytes, limit_bytes: int) -> bytes:
    room = np.empty(limit_bytes, np.uint8)  # pages that are not written to are never taken
    try:
        length = decompress_into(data, room)
    except cramjam.DecompressionError as error:
        raise (TooLargeError(_too_large(limit_bytes)) if str(error) == _FULL else error) from None
    return room[:length].tobytes()


def _too_large(limit_bytes: int) -> str:
    return f"has over {limit_bytes} bytes when it is decompressed"


_CODECS: dict[int, Codec] = {1: _gzip, 2: _snappy, 3: _lz4, 4: _zstd}
