"""Bad records are parked one by one while they are few; a flood of them as few summaries that name every offset."""

import json
from datetime import UTC, datetime

from aiokafka import ConsumerRecord

from shared.consumer import Unreadable
from shared.errors import PoisonError
from shared.parked_records import Bad, offsets_of, offsets_text, parked_offsets
from shared.parking import BYTES_A_MINUTE, RECORDS_A_MINUTE, Parking

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def bad(offset: int, value: bytes = b"{}", partition: int = 0) -> Bad:
    record = ConsumerRecord("t", partition, offset, 0, 0, b"k", value, None, 1, len(value), ())
    return record, PoisonError("not_json", "no JSON")


def test_beyond_the_budget_of_a_minute_a_poll_is_one_record_per_partition_with_all_offsets() -> None:
    parking = Parking("s", lambda: 0.0)
    first = parking.park([bad(at) for at in range(RECORDS_A_MINUTE)], NOW)
    assert len(first.records) == len(first.whole) == RECORDS_A_MINUTE
    more = [bad(at) for at in range(1_000, 3_000)] + [bad(5_000)] + [bad(7, partition=1)]
    beyond = parking.park(more, NOW)
    assert (len(beyond.records), beyond.whole) == (2, [])
    summary = json.loads(beyond.records[0].value or b"")
    assert (summary["records"], summary["offsets"], summary["reasons"]) == (
        2_001,
        "1000-2999,5000",
        {"not_json": 2_001},
    )
    assert len(beyond.records[0].value or b"") < 2_000


def test_the_budget_is_of_bytes_too_and_comes_again_little_by_little() -> None:
    time = [0.0]
    parking = Parking("s", lambda: time[0])
    large = b"x" * (BYTES_A_MINUTE // 2 + 1)
    assert [len(parking.park([bad(at, large)], NOW).whole) for at in range(3)] == [1, 0, 0]
    assert len(parking.park([bad(at) for at in range(1_000)], NOW).whole) < RECORDS_A_MINUTE
    time[0] = 3.0
    assert len(parking.park([bad(at) for at in range(1_000)], NOW).whole) == RECORDS_A_MINUTE * 3 // 60


def test_offsets_as_text_are_those_offsets() -> None:
    records = [bad(1)[0], bad(2)[0], bad(9)[0], Unreadable("t", 0, 11, 20, "", b""), bad(21)[0]]
    text = offsets_text(records)
    assert text == "1-2,9,11-21"
    assert [list(run) for run in offsets_of(text)] == [[1, 2], [9], list(range(11, 22))]


def test_what_is_parked_says_which_offsets_it_is() -> None:
    whole = Parking("s").park([bad(4)], NOW).records[0]
    beyond = Parking("s", lambda: 0.0)
    beyond.park([bad(at) for at in range(RECORDS_A_MINUTE)], NOW)
    summary = beyond.park([bad(6), bad(8)], NOW).records[0]
    for parked, expected in ((whole, [range(4, 5)]), (summary, [range(6, 7), range(8, 9)])):
        record = ConsumerRecord("p", 0, 0, 0, 0, None, parked.value, None, 0, 0, tuple(parked.headers))
        assert parked_offsets(record) == expected
