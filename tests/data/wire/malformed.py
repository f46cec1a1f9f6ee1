"""Malformed records of many kinds, generated from a seed: what a stranger, or a broken producer, could write."""

import json
import random
from collections.abc import Callable, Iterator

from record_bytes import batch, body, field, record, varint

Generate = Callable[[random.Random], Iterator[bytes]]
"""Yields batches, each with its right checksum."""

PHONE = "+14155550100"
_TIMES = (
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00", "9999-12-31T23:59:59.999999Z",
    "0001-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "1e400", 1e308, -(2**70), True,
)  # fmt: skip
_ODD = ("\x00", "\x00STOP\x00", "", " ", "x" * 600, "\ud800", "\ufeff", 0, -1, 2**63, 10**400, 1.5, None, [], {}, True)
_EVENTS: tuple[dict[str, object], ...] = (
    {"type": "message_requested", "list_id": 1, "message_id": "m", "body": "Hi. Reply STOP to opt out"},
    {
        "type": "message_received", "gateway": "generic", "body": "STOP",
        "event_id": "24b6fe34-41a8-4052-aa12-0343c57102c9",
    },
    {"type": "fence_marker_appended", "marker_id": "24b6fe34-41a8-4052-aa12-0343c57102c9"},
    {"type": "message_sent", "list_id": 1, "message_id": "m", "carrier_message_id": "c"},
    {
        "type": "delivery_receipt_received", "gateway": "generic", "carrier_message_id": "c", "message_id": "m",
        "status": "delivered", "gateway_status": "x", "event_id": "24b6fe34-41a8-4052-aa12-0343c57102c9",
    },
    {"type": "suppression_changed", "scope": "account", "state": "opted_out", "cause_event_id": "x"},
    {"type": "watermark_advanced", "next_offset": 10**9},
    {"type": "checkpoint_published", "next_offset": -1, "suppressed_count": 1, "digest": "?"},
)  # fmt: skip
_COMMON = {
    "version": 1,
    "account_id": "acme",
    "phone": PHONE,
    "sender_number": "ACME",
    "occurred_at": "2026-11-24T11:13:00Z",
}


def _one(value: bytes | None, key: bytes | None = b"k", **more: object) -> bytes:
    return batch([record(0, value, key, **more)])


def texts(chance: random.Random) -> Iterator[bytes]:
    """Values that are no JSON, or JSON that is no event."""
    for value in (
        b"", b"\x00", b"\xff\xfe", b"{}", b"[]", b"null", b"1e999", b'"' + b"x" * 300_000, b"[" * 100_000,
        b'{"type":' * 20_000, b'{"type":"message_requested","version":2}', b"9" * 10_000, b'{"a":"\\ud800"}',
    ):  # fmt: skip
        yield _one(value)
    for _ in range(20):
        yield _one(chance.randbytes(chance.randrange(200)))


def fields(chance: random.Random) -> Iterator[bytes]:
    """Events with one field that it must not have; whatever can be said of a time is said."""
    for event in _EVENTS:
        for _ in range(6):
            given = {**_COMMON, **event}
            given[chance.choice(list(given))] = chance.choice(_ODD)
            yield _one(_json(given))
        for name in ("occurred_at", "requested_at", "sent_at", "decision_started_at", "changed_at"):
            yield _one(_json({**_COMMON, **event, name: chance.choice(_TIMES)}))


def nothing(_: random.Random) -> Iterator[bytes]:
    """Neither key nor value, and one of both."""
    yield from (_one(None, None), _one(b"", b""), _one(None, b""), _one(b"", None), _one(None))
    yield batch([record(at, None, None) for at in range(50)], codec="lz4")


def codecs(chance: random.Random) -> Iterator[bytes]:
    """Every codec, right and damaged, and codecs that do not exist."""
    values = [_json({**_COMMON, **chance.choice(_EVENTS), "body": "x" * 2_000, "list_id": "?"}) for _ in range(20)]
    records = [record(at, value, b"k") for at, value in enumerate(values)]
    for codec in ("gzip", "snappy", "lz4", "zstd"):
        right = batch(records, codec=codec)
        yield right
        for _ in range(6):
            raw = bytearray(right[61:])
            raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
            yield batch(
                [], codec=right[22] & 7, count=len(records), raw=bytes(raw[: chance.randrange(1, len(raw) + 1)])
            )
    for codec in (5, 6, 7):
        yield batch(records, codec=codec)


def bombs(_: random.Random) -> Iterator[bytes]:
    """A few kilobytes that become many megabytes: one record, many records, many headers."""
    yield batch([record(0, b"x" * 5_000_000, b"k")], codec="gzip")
    yield batch([record(0, bytes(100_000_000), b"k")], codec="zstd")
    yield batch([record(0, b"v", b"k", [(b"", None)] * 200_000)], codec="zstd")
    yield batch([record(at, b"{}", b"k") for at in range(1_000)], codec="zstd")


def header_names(chance: random.Random) -> Iterator[bytes]:
    """Headers as no client library would write them."""
    for _ in range(8):
        names = [
            (chance.randbytes(6) + b"\xff", chance.randbytes(9)),
            (b"", None),
            (b"content-type", b"\xff"),
            (b"", b""),
        ]
        yield _one(b"{}", headers=names)
    yield _one(b"{}", headers=[(b"h", b"x" * 500_000)])
    yield _one(b"{}", headers=[(b"\x80" * 30_000, b"x")])
    yield _one(b"{}", headers=[(b"h", b"x")] * 5_000)


def layouts(chance: random.Random) -> Iterator[bytes]:
    """Records whose bytes are not laid out as a record's are, plain and in every codec."""
    begin = b"\x00" + varint(0) + varint(1)
    bodies = [
        begin + varint(10**9) + b"abc", begin + varint(2**63 - 1), begin + field(b"k") + varint(500) + b"v", b"",
        b"\x00" + b"\xff" * 12, begin + b"\x80",
        body(1, b"v", b"k", header_count=-1), body(1, b"v", b"k", header_count=9),
        body(1, b"v", b"k") + b"more", body(10**9, b"v", b"k"), body(-5, b"v", b"k"), body(0, b"v", b"k"),
        body(1, b"{}", b"k", timestamp_delta=2**62), body(1, b"{}", b"k", timestamp_delta=-(2**62)),
    ]  # fmt: skip
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        for bad in bodies:
            yield batch([record(0, b"{}", b"k"), field(bad), record(2, b"{}", b"k")], codec=codec)
        for _ in range(10):
            damaged = bytearray(record(1, b"v" * 30, b"k", [(b"h", b"x")]))
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            yield batch([record(0, b"{}", b"k"), bytes(damaged), record(2, b"{}", b"k")], codec=codec)
        yield batch([record(0, b"{}", b"k")], codec=codec, count=3, last_offset_delta=2)
        yield batch([record(0, b"{}", b"k"), record(1, b"{}", b"k")], codec=codec, count=1)
        yield batch([record(0, b"{}", b"k")], codec=codec, first_timestamp=-(2**62))
        yield batch([record(0, b"{}", b"k")], codec=codec, first_timestamp=-5)


def places(_: random.Random) -> Iterator[bytes]:
    """Right events of one phone, wherever they are written."""
    for number in range(12):
        event = {
            **_COMMON,
            **_EVENTS[1],
            "event_id": f"00000000-0000-4000-8000-{number:012}",
            "phone": f"+1415555{number:04}",
        }
        yield _one(_json(event))
        sent = {**_COMMON, **_EVENTS[3], "event_id": event["event_id"], "phone": event["phone"]}
        yield _one(_json(sent))


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


KINDS: dict[str, Generate] = {
    each.__name__: each for each in (texts, fields, nothing, codecs, bombs, header_names, layouts, places)
}
