"""Kafka's record batches as bytes, built by hand from the protocol guide: shares no code with what reads them."""

import gzip
import struct
from collections.abc import Iterable, Sequence

import cramjam

HEADERS: Sequence[tuple[bytes, bytes | None]] = ()
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
_CRC_TABLE: list[int] = []


def varint(number: int) -> bytes:
    rest = (number << 1) ^ (number >> 63)
    rest &= 2**64 - 1
    found = bytearray()
    while rest > 0x7F:
        found.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*found, rest])


def field(content: bytes | None) -> bytes:
    return varint(-1) if content is None else varint(len(content)) + content


def body(  # noqa: PLR0913 (a record's fields)
    offset_delta: int,
    value: bytes | None,
    key: bytes | None = None,
    headers: Sequence[tuple[bytes, bytes | None]] = HEADERS,
    *,
    timestamp_delta: int = 0,
    header_count: int | None = None,
) -> bytes:
    """Return a record without its length."""
    count = len(headers) if header_count is None else header_count
    named = b"".join(field(name) + field(content) for name, content in headers)
    return b"\x00" + varint(timestamp_delta) + varint(offset_delta) + field(key) + field(value) + varint(count) + named


def record(*arguments: object, **options: object) -> bytes:
    """Return a record, its length first."""
    return field(body(*arguments, **options))  # type: ignore[arg-type]


def compressed(codec: str, data: bytes) -> bytes:
    match codec:
        case "gzip":
            return gzip.compress(data)
        case "snappy":
            return bytes(cramjam.snappy.compress_raw(data))
        case "lz4":
            return bytes(cramjam.lz4.compress(data))
        case "zstd":
            return bytes(cramjam.zstd.compress(data))
        case _:
            return data


def batch(  # noqa: PLR0913 (a batch's fields)
    records: Iterable[bytes],
    *,
    base_offset: int = 0,
    codec: str | int = "none",
    count: int | None = None,
    last_offset_delta: int | None = None,
    first_timestamp: int = 1_700_000_000_000,
    attributes: int = 0,
    producer_id: int = -1,
    producer_epoch: int = -1,
    base_sequence: int = -1,
    raw: bytes | None = None,
) -> bytes:
    """Return a batch with its right checksum; `raw` stands in place of the records, whatever the codec says."""
    given = list(records)
    many = len(given) if count is None else count
    number = CODECS[codec] if isinstance(codec, str) else codec
    content = compressed(codec, b"".join(given)) if raw is None and isinstance(codec, str) else raw or b""
    head = struct.pack(
        ">hiqqqhii",
        attributes | number,
        many - 1 if last_offset_delta is None else last_offset_delta,
        first_timestamp,
        first_timestamp,
        producer_id,
        producer_epoch,
        base_sequence,
        many,
    )
    checked = head + content
    tail = struct.pack(">ibI", -1, 2, crc32c(checked)) + checked
    return struct.pack(">qi", base_offset, len(tail)) + tail


def last_offset_delta(given: bytes) -> int:
    """Return how many offsets a batch takes, less one."""
    delta: int = struct.unpack_from(">i", given, 23)[0]
    return delta


def crc32c(data: bytes) -> int:
    """Return the Castagnoli checksum (RFC 3720, appendix B.4)."""
    if not _CRC_TABLE:
        _CRC_TABLE.extend(_table())
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _table() -> Iterable[int]:
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        yield crc
