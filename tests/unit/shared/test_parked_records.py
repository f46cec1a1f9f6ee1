"""A parked record is the original, byte for byte, with the reason beside it."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from shared.consumer import Unreadable
from shared.errors import PoisonError
from shared.parked_records import MAX_VALUE_BYTES, park, park_polled, parked_id
from shared.producer import OutgoingRecord

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def test_a_parked_record_keeps_the_original_bytes_and_says_why() -> None:
    parked = park(
        service="optout",
        topic="inbound-messages",
        partition=2,
        offset=7,
        key=b"\xff",
        value=b"\x00\xfe",
        headers=[("x", b"\xff")],
        error=PoisonError("not_json", "bad"),
        now=NOW,
    )
    headers = dict(parked.headers)
    assert (parked.key, parked.value, headers["original_header_x"]) == (b"\xff", b"\x00\xfe", b"\xff")
    assert (headers["parked_reason"], headers["parked_by"]) == (b"not_json", b"optout")
    assert (headers["original_topic"], headers["original_partition"], headers["original_offset"]) == (
        b"inbound-messages",
        b"2",
        b"7",
    )


def test_the_same_record_parked_again_has_the_same_id() -> None:
    assert parked_id("t", 1, 2) == parked_id("t", 1, 2) != parked_id("t", 1, 3)


def parked(**changed: Any) -> OutgoingRecord:
    given = {"key": b"k", "value": b"v", "headers": [], "error": PoisonError("invalid", "bad")}
    return park(service="s", topic="t", partition=0, offset=1, now=NOW, **{**given, **changed})


def test_a_record_of_nothing_can_be_parked_and_says_that_it_was_nothing() -> None:
    of_nothing = parked(key=None, value=None)
    assert (of_nothing.key, of_nothing.value) == (None, b"")
    assert dict(of_nothing.headers)["original_value_is_null"] == b"true"
    assert dict(of_nothing.headers)["original_key_is_null"] == b"true"
    assert "original_value_is_null" not in dict(parked(key=None, value=b"").headers)


def test_what_is_too_large_is_cut_and_its_size_and_hash_are_kept() -> None:
    value = b"x" * (MAX_VALUE_BYTES + 1)
    cut = parked(value=value, key=b"k" * 100_000, headers=[("h" * 10_000, b"x" * 50_000)] * 40)
    assert cut.value == value[:-1]
    headers = dict(cut.headers)
    assert headers["original_value_bytes"] == str(len(value)).encode()
    assert headers["original_value_sha256"] == hashlib.sha256(value).hexdigest().encode()
    assert headers["parked_value_cut_to_bytes"] == str(MAX_VALUE_BYTES).encode()
    assert headers["parked_headers_cut"] == b"true"
    size = len(cut.value) + len(cut.key or b"") + sum(len(name) + len(each) for name, each in cut.headers)
    assert size < 3 * 1024 * 1024


def test_offsets_that_cannot_be_read_are_parked_as_a_range() -> None:
    gap = Unreadable("t", 3, 5, 9, "codec 4: no such frame", b"bytes")
    found = park_polled(gap, service="s", error=PoisonError("unreadable", gap.cause), now=NOW)
    headers = dict(found.headers)
    assert found.value == b"bytes"
    assert (headers["original_offset"], headers["original_last_offset"]) == (b"5", b"9")
    assert headers["parked_id"] == str(parked_id("t", 3, 5)).encode()
