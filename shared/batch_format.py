"""Kafka's record batch of version 2, as its protocol guide describes it: its parts, and its head."""

import struct
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

HEADER = struct.Struct(">qiibIhiqqqhii")
LENGTH = struct.Struct(">qi")
ATTRIBUTES = struct.Struct(">h")
ATTRIBUTES_AT = struct.calcsize(">qiibI")
MAGIC_AT = struct.calcsize(">qii")
CODEC_BITS, APPEND_TIME_BIT = 0x07, 0x08
_TRANSACTIONAL_BIT, _CONTROL_BIT = 0x10, 0x20
_MAGIC = 2


@dataclass(frozen=True, slots=True)
class Gap:
    """A range of offsets, both ends included, that cannot be read, the cause, and the bytes in its place."""

    first_offset: int
    offset: int
    cause: str
    raw: bytes


class Header(NamedTuple):
    """The head of a batch, as it was received."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    first_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records: int

    @property
    def last_offset(self) -> int:
        return self.base_offset + max(self.last_offset_delta, 0)

    @property
    def codec(self) -> int:
        return self.attributes & CODEC_BITS

    @property
    def is_transactional(self) -> bool:
        return bool(self.attributes & _TRANSACTIONAL_BIT)

    @property
    def is_control(self) -> bool:
        return bool(self.attributes & _CONTROL_BIT)


class Record(NamedTuple):
    """A record as aiokafka's own are."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    checksum: None = None


AnyRecord: TypeAlias = Any  # aiokafka's records and ours have the same fields


class RawBatches:
    """The batches of one partition in a fetch, as bytes; has the methods that aiokafka's fetcher calls."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._at = 0

    def size_in_bytes(self) -> int:
        return len(self._data)

    def has_next(self) -> bool:
        return self._end() is not None

    def next_batch(self) -> memoryview:
        end = self._end()
        assert end is not None  # noqa: S101 (`has_next` was asked)
        batch = self._data[self._at : end]
        self._at = end
        return batch

    def _end(self) -> int | None:
        """Return where the next batch ends; a fetch may end in the middle of one."""
        if len(self._data) - self._at < LENGTH.size:
            return None
        end: int = self._at + LENGTH.size + LENGTH.unpack_from(self._data, self._at)[1]
        return end if self._at + LENGTH.size < end <= len(self._data) else None


def header_of(batch: memoryview) -> Header | None:
    """Return the head of a batch; None where it is of an older version, or too short for one."""
    if len(batch) < HEADER.size or batch[MAGIC_AT] != _MAGIC:
        return None
    return Header._make(HEADER.unpack_from(batch))
