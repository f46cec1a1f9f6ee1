"""The records of a fetch, read without trust: each record of a batch, and in place of what cannot be read where it was.

aiokafka's reader (in C) reads what is right. Where it gives up, the batch is read again here, record by record, so that
one bad record takes no other with it.
"""

from collections.abc import Callable, Iterator

from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.legacy_records import LegacyRecordBatch

from shared.batch_format import (
    APPEND_TIME_BIT,
    ATTRIBUTES,
    ATTRIBUTES_AT,
    CODEC_BITS,
    HEADER,
    LENGTH,
    MAGIC_AT,
    AnyRecord,
    Gap,
    Header,
    Record,
)
from shared.compression import TooLargeError, decompress

MAX_BATCH_BYTES = 16 * 1024 * 1024
"""What a batch may have when it is decompressed. A producer's batch has up to 1 MiB on the wire, a bomb the same."""
MAX_BATCH_RECORDS = 200_000
MAX_HEADERS = 100
"""Headers of a record that are read; none of ours has over ten, and a batch can hold millions."""

_LEGACY_HEADER_BYTES = 26
_LEGACY_ATTRIBUTES_AT = 17
_MAX_VARINT_BITS = 63
_MAX_CAUSE_CHARACTERS = 300
_LARGE_RECORD_BYTES = 64 * 1024


def is_intact(batch: memoryview) -> bool:
    """Say whether the batch has its checksum."""
    intact: bool = DefaultRecordBatch(batch).validate_crc()
    return intact


def records_of(batch: memoryview, header: Header, spend: Callable[[int], None]) -> Iterator[AnyRecord | Gap]:
    """Give the batch's records in the order of their offsets, and the gaps between them.

    Args:
        batch: its bytes.
        header: its head.
        spend: called with the bytes that it took to read it.
    """
    try:
        plain = _plain(batch, header)
    except TooLargeError as error:
        spend(MAX_BATCH_BYTES)
        yield _whole(batch, header, str(error))
        return
    except Exception as error:  # noqa: BLE001 (each codec has its own, and none may stop a reader)
        spend(len(batch))
        yield _whole(batch, header, f"codec {header.codec}: {error!r}")
        return
    spend(len(plain))
    done, floor, last = 0, header.base_offset, header.last_offset
    try:
        if not _has_large_record(plain, header):
            for record in DefaultRecordBatch(plain):
                if not floor <= record.offset <= last:
                    break
                yield record if len(record.headers) <= MAX_HEADERS else _cut(record)
                done, floor = done + 1, record.offset + 1
            else:
                return
    except Exception:  # noqa: BLE001, S110 (whatever it does not like is found again, record by record)
        pass
    yield from _read_slowly(memoryview(plain)[HEADER.size :], header, done, floor)


def legacy_records_of(batch: memoryview, from_offset: int) -> Iterator[AnyRecord | Gap]:
    """Give the records of a batch from before Kafka 0.11, which brokers keep but no longer take."""
    offset = LENGTH.unpack_from(batch)[0] if len(batch) >= LENGTH.size else from_offset
    try:
        if len(batch) < _LEGACY_HEADER_BYTES:
            raise ValueError("is shorter than its header")  # noqa: TRY301 (one way out)
        found = LegacyRecordBatch(batch, batch[MAGIC_AT])
        if batch[_LEGACY_ATTRIBUTES_AT] & CODEC_BITS or not found.validate_crc():
            raise ValueError("is compressed or has another checksum")  # noqa: TRY301
        yield from found
    except Exception as error:  # noqa: BLE001 (whatever it is, it must not stop a reader)
        cause = _cause(f"not of message format 2: {error}")
        yield Gap(from_offset, max(from_offset, offset), cause, bytes(batch))


def _plain(batch: memoryview, header: Header) -> memoryview | bytes:
    """Return the batch as if it had never been compressed.

    Raises:
        TooLargeError: it has more bytes or records than a batch may have.
        Exception: it cannot be decompressed.
    """
    if header.records > MAX_BATCH_RECORDS:
        raise TooLargeError(f"has {header.records} records, the limit is {MAX_BATCH_RECORDS}")
    if not header.codec:
        return batch
    body = decompress(header.codec, bytes(batch[HEADER.size :]), MAX_BATCH_BYTES)
    head = bytearray(batch[: HEADER.size])
    ATTRIBUTES.pack_into(head, ATTRIBUTES_AT, header.attributes & ~CODEC_BITS)
    return bytes(head) + body


def _whole(batch: memoryview, header: Header, cause: str) -> Gap:
    return Gap(header.base_offset, header.last_offset, _cause(cause), bytes(batch))


def _cause(text: str) -> str:
    return text[:_MAX_CAUSE_CHARACTERS]


def _has_large_record(plain: memoryview | bytes, header: Header) -> bool:
    """Say whether a record is so large that a list of its headers could take a hundred times its memory."""
    if len(plain) <= _LARGE_RECORD_BYTES:
        return False
    at = HEADER.size
    for _ in range(header.records):
        length, at = _varint(plain, at)
        if not 0 <= length <= _LARGE_RECORD_BYTES:
            return True
        at += length
    return False


def _cut(record: AnyRecord) -> Record:
    headers = record.headers[:MAX_HEADERS]
    return Record(record.offset, record.timestamp, record.timestamp_type, record.key, record.value, headers)


def _read_slowly(body: memoryview, header: Header, done: int, floor: int) -> Iterator[Record | Gap]:
    """Read a batch's records but the first `done`; each says how long it is, so a bad one can be passed over."""
    at = 0
    for number in range(header.records):
        begin = at
        try:
            length, at = _varint(body, at)
            if not 0 <= length <= len(body) - at:
                raise ValueError(f"a record of {length} bytes where {len(body) - at} are left")  # noqa: TRY301
        except ValueError as error:
            yield _gap(header, floor, f"nothing can be read from here: {error}", bytes(body[begin:]), to_end=True)
            return
        begin, at = at, at + length
        if number >= done:
            found = _record_or_gap(body[begin:at], header, floor)
            floor = found.offset + 1
            yield found
    if at != len(body) or header.records < 1:
        yield _gap(header, floor, f"{len(body) - at} bytes after the last record", bytes(body[at:]), to_end=True)


def _record_or_gap(body: memoryview, header: Header, floor: int) -> Record | Gap:
    try:
        found = _record(body, header)
    except ValueError as error:
        return _gap(header, floor, str(error), bytes(body))
    if floor <= found.offset <= header.last_offset:
        return found
    return _gap(header, floor, f"a record of offset {found.offset} where {floor} comes next", bytes(body))


def _gap(header: Header, floor: int, cause: str, raw: bytes, *, to_end: bool = False) -> Gap:
    first = min(floor, header.last_offset)
    return Gap(first, header.last_offset if to_end else first, _cause(cause), raw)


def _record(body: memoryview, header: Header) -> Record:
    """Read one record.

    Raises:
        ValueError: it is not one.
    """
    timestamp_delta, at = _varint(body, 1)
    offset_delta, at = _varint(body, at)
    key, at = _bytes(body, at)
    value, at = _bytes(body, at)
    count, at = _varint(body, at)
    headers: list[tuple[str, bytes | None]] = []
    for _ in range(max(count, 0)):
        name, at = _bytes(body, at)
        content, at = _bytes(body, at)
        if name is None:
            raise ValueError("a header without a name")
        if len(headers) == MAX_HEADERS:
            break
        headers.append((name.decode(errors="backslashreplace"), content))
    else:
        if count < 0 or at != len(body):
            raise ValueError(f"{count} headers, and {len(body) - at} bytes after them")
    append_time = header.attributes & APPEND_TIME_BIT
    timestamp = header.max_timestamp if append_time else header.first_timestamp + timestamp_delta
    return Record(header.base_offset + offset_delta, timestamp, int(bool(append_time)), key, value, headers)


def _bytes(body: memoryview, at: int) -> tuple[bytes | None, int]:
    length, at = _varint(body, at)
    if length < 0:
        return None, at
    if length > len(body) - at:
        raise ValueError(f"a field of {length} bytes where {len(body) - at} are left")
    return bytes(body[at : at + length]), at + length


def _varint(body: memoryview | bytes, at: int) -> tuple[int, int]:
    """Return a zig-zag number and where it ends."""
    number = shift = 0
    while at < len(body) and shift <= _MAX_VARINT_BITS:
        byte = body[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 (the bit that says that more follows)
            return (number >> 1) ^ -(number & 1), at
        shift += 7
    raise ValueError("a number that does not end")
