"""A parked record is the original, byte for byte, with the reason beside it."""

from datetime import UTC, datetime

from shared.errors import PoisonError
from shared.parking import park, parked_id

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
