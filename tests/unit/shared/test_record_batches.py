"""Batches built by hand: what is right is read; what is not is a gap with its offsets, the others of its batch come."""

import random
import zlib
from collections.abc import Callable
from typing import Any

import cramjam
import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED
from record_bytes import CODECS, batch, body, field, record, varint

from shared import record_batches
from shared.batch_format import RawBatches
from shared.consumer import MAX_POLL_BYTES, Budget, Unreadable, _Records

TP = TopicPartition("topic", 0)
Suspects = set[tuple[TopicPartition, int]]


def read(
    data: bytes,
    *,
    position: int = 0,
    aborted: Any = None,
    suspects: Suspects | None = None,
    budget: Budget | None = None,
) -> Any:
    given = suspects if suspects is not None else set()
    fetched = _Records(
        budget or Budget(), given, TP, RawBatches(data), aborted, position, None, None, True, READ_COMMITTED
    )
    return list(fetched), fetched.next_fetch_offset


def shown(found: list[Any]) -> list[Any]:
    """Return values of records, and first and last offset of what is unreadable."""
    return [(each.first_offset, each.offset) if isinstance(each, Unreadable) else each.value for each in found]


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_is_read(codec: str) -> None:
    values = [b"one" * 1_000, None, b"three"]
    found, position = read(batch([record(at, value) for at, value in enumerate(values)], base_offset=7, codec=codec))
    assert shown(found) == values
    assert [each.offset for each in found] == [7, 8, 9]
    assert position == 10


def test_snappy_in_the_blocks_that_java_writes() -> None:
    data = record(0, b"x" * 100_000)
    blocks = [bytes(cramjam.snappy.compress_raw(part)) for part in (data[:32768], data[32768:])]
    raw = b"\x82SNAPPY\x00" + bytes([0, 0, 0, 1, 0, 0, 0, 1]) + b"".join(len(x).to_bytes(4, "big") + x for x in blocks)
    assert shown(read(batch([], codec=2, count=1, raw=raw))[0]) == [b"x" * 100_000]


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
@pytest.mark.parametrize("damage", [lambda raw: raw[:-3], lambda raw: raw[:4], lambda _: b"", lambda _: b"\x00" * 20])
def test_what_cannot_be_decompressed_is_one_gap(codec: str, damage: Callable[[bytes], bytes]) -> None:
    raw = damage(batch([record(0, b"x" * 500)], codec=codec)[61:])
    good = batch([record(0, b"good")], base_offset=3)
    found, position = read(batch([], codec=CODECS[codec], count=3, raw=raw) + good)
    assert shown(found) == [(0, 2), b"good"]
    assert position == 4


@pytest.mark.parametrize("codec", [5, 6, 7])
def test_a_codec_that_nobody_knows_is_one_gap_with_its_cause(codec: int) -> None:
    ((gap,), position) = read(batch([record(0, b"x"), record(1, b"y")], base_offset=5, codec=codec))
    assert (gap.first_offset, gap.offset, position) == (5, 6, 7)
    assert f"codec {codec}" in gap.cause


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_a_bomb_is_one_gap_and_is_not_blown_up(codec: str) -> None:
    bomb = batch([record(0, bytes(20 * 1024 * 1024))], codec=codec)
    assert len(bomb) < 4 * 1024 * 1024
    ((gap,), position) = read(bomb)
    assert (gap.first_offset, gap.offset, position) == (0, 0, 1)
    assert "bytes when it is decompressed" in gap.cause


BAD_BODIES: dict[str, bytes] = {
    "key longer than the record": b"\x00" + varint(0) + varint(1) + varint(10**9) + b"abc",
    "key of 2**63 bytes": b"\x00" + varint(0) + varint(1) + varint(2**63 - 1) + b"abc",
    "value longer than the record": b"\x00" + varint(0) + varint(1) + field(b"k") + varint(500) + b"v",
    "a number that does not end": b"\x00" + b"\xff" * 12,
    "a number that ends with the record": b"\x00" + varint(0) + varint(1) + b"\x80",
    "headers below nothing": body(1, b"v", header_count=-1),
    "fewer headers than it says": body(1, b"v", header_count=5),
    "more headers than it says": body(1, b"v", headers=[(b"a", b"1"), (b"b", b"2")], header_count=1),
    "a header without a name": b"\x00" + varint(0) + varint(1) + field(None) + field(b"v") + varint(1) + varint(-1),
    "bytes behind its headers": body(1, b"v") + b"more",
    "empty": b"",
    "an offset of another batch": body(10**9, b"v"),
    "an offset before its batch": body(-5, b"v"),
    "the offset of the record before it": body(0, b"v"),
}


@pytest.mark.parametrize("codec", ["none", "zstd"])
@pytest.mark.parametrize("bad", BAD_BODIES)
def test_a_bad_record_is_a_gap_and_the_others_of_its_batch_are_delivered(bad: str, codec: str) -> None:
    records = [record(0, b"before"), field(BAD_BODIES[bad]), record(2, b"behind")]
    found, position = read(batch(records, base_offset=20, codec=codec) + batch([record(0, b"next")], base_offset=23))
    assert shown(found) == [b"before", (21, 21), b"behind", b"next"]
    assert found[1].cause
    assert position == 24


@pytest.mark.parametrize("length", [varint(-1), varint(10**6), varint(2**62), b"\xff" * 11])
def test_where_no_record_can_be_found_any_more_the_rest_of_the_batch_is_a_gap(length: bytes) -> None:
    found, position = read(batch([record(0, b"before"), length + b"abc", record(2, b"x")]))
    assert shown(found) == [b"before", (1, 2)]
    assert position == 3


@pytest.mark.parametrize(("count", "expected"), [(1, [b"a", (0, 0)]), (4, [b"a", b"b", (2, 3)])])
def test_more_or_fewer_records_than_the_batch_says(count: int, expected: list[Any]) -> None:
    found, position = read(batch([record(0, b"a"), record(1, b"b")], count=count))
    assert shown(found) == expected
    assert position == count


def test_a_header_whose_name_is_not_utf_8_takes_nothing_away() -> None:
    headers = [(b"na\xffme", b"\xfe"), (b"", None)]
    found, _ = read(batch([record(0, b"first"), record(1, b"second", headers=headers), record(2, b"third")]))
    assert shown(found) == [b"first", b"second", b"third"]
    assert found[1].headers == (("na\\xffme", b"\xfe"), ("", None))


def test_of_many_headers_a_hundred_are_read() -> None:
    many = record(0, b"v", headers=[(b"", None)] * 200_000)
    found, _ = read(batch([many, record(1, b"w")], codec="zstd"))
    assert shown(found) == [b"v", b"w"]
    assert len(found[0].headers) == record_batches.MAX_HEADERS


def test_a_batch_of_too_many_records_is_one_gap() -> None:
    count = record_batches.MAX_BATCH_RECORDS + 1
    ((gap,), position) = read(batch([], codec="zstd", count=count))
    assert (gap.first_offset, gap.offset, position) == (0, count - 1, count)


def test_a_damaged_batch_is_fetched_again_once_and_then_passed_over() -> None:
    damaged = bytearray(batch([record(0, b"abc"), record(1, b"def")], base_offset=4))
    damaged[-3] ^= 1
    suspects: Suspects = set()
    assert read(bytes(damaged), position=4, suspects=suspects) == ([], 4)
    found, position = read(bytes(damaged) + batch([record(0, b"next")], base_offset=6), position=4, suspects=suspects)
    assert shown(found) == [(4, 5), b"next"]
    assert "checksum" in found[0].cause
    assert position == 7


def test_a_damaged_count_of_offsets_is_not_believed() -> None:
    damaged = batch([record(0, b"a"), record(1, b"b")], last_offset_delta=10**9)
    damaged = damaged[:17] + bytes(4) + damaged[21:]
    suspects: Suspects = {(TP, 0)}
    assert read(damaged, suspects=suspects)[1] == 1


def test_records_that_were_read_before_are_left_out() -> None:
    data = batch([record(at, b"%d" % at) for at in range(4)], base_offset=10)
    assert shown(read(data, position=12)[0]) == [b"2", b"3"]


def test_what_was_aborted_is_not_read_and_what_comes_after_is() -> None:
    aborted = batch([record(0, b"aborted")], attributes=0x10, producer_id=9, producer_epoch=0, base_sequence=0)
    mark = record(0, b"\x00\x00\x00\x00\x00\x00", key=b"\x00\x00\x00\x00")
    end = batch([mark], base_offset=1, attributes=0x30, producer_id=9, producer_epoch=0)
    again = batch([record(0, b"good")], base_offset=2, attributes=0x10, producer_id=9, producer_epoch=0)
    assert shown(read(aborted + end + again, aborted=[(9, 0)])[0]) == [b"good"]


def test_an_unreadable_batch_of_an_aborted_transaction_was_never_there() -> None:
    aborted = batch([], count=2, codec=4, raw=b"no zstd", attributes=0x10, producer_id=9, producer_epoch=0)
    assert read(aborted, aborted=[(9, 0)]) == ([], 2)


def test_a_poll_ends_when_it_has_read_enough_and_goes_on_from_there() -> None:
    large = [batch([record(0, bytes(15 * 1024 * 1024))], base_offset=at, codec="zstd") for at in range(5)]
    found, position = read(b"".join(large))
    assert len(found) == position == -(-MAX_POLL_BYTES // (15 * 1024 * 1024))
    assert len(read(b"".join(large[position:]), position=position)[0]) == 5 - position


def test_messages_of_before_kafka_0_11_are_read_or_passed_over() -> None:
    content = b"\x00\x00" + (-1).to_bytes(4, "big", signed=True) + (5).to_bytes(4, "big") + b"value"
    found, position = read(_legacy(content, 3) + _legacy(b"\x00\x01" + content[2:], 4) + _legacy(b"", 5))
    assert shown(found) == [b"value", (4, 4), (5, 5)]
    assert position == 6


def _legacy(content: bytes, offset: int) -> bytes:
    message = zlib.crc32(content).to_bytes(4, "big") + content
    return offset.to_bytes(8, "big") + len(message).to_bytes(4, "big") + message


def test_no_bytes_make_it_raise_or_lose_its_place() -> None:
    """Bytes are changed within the records of batches whose checksum is right: 3,000 of them, the same each time."""
    chance = random.Random(9)  # noqa: S311 (the same each time)
    for _ in range(3_000):
        records = [
            bytearray(record(at, b"v" * chance.randrange(40), b"k", [(b"h", b"x"), (b"i", None)])) for at in range(5)
        ]
        for _ in range(chance.randrange(1, 4)):
            damaged = chance.choice(records)
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        found, position = read(batch([bytes(each) for each in records]) + batch([record(0, b"next")], base_offset=5))
        assert position == 6
        assert found[-1].value == b"next"
        offsets = [each.offset for each in found]
        assert offsets == sorted(offsets)
        assert all(0 <= offset <= 5 for offset in offsets)
