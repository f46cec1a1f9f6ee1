"""Records of the topic are read strictly: what cannot be read is remembered until its key is published again."""

import asyncio
import json

import pytest
from aiokafka import ConsumerRecord
from suppression_records import CAUSE, PARTITIONS, changed, phone_in, phones_in, record, record_of

from shared.events.codec import encode
from shared.events.suppression import (
    CHECKPOINT_KEY,
    WATERMARK_KEY,
    CheckpointPublished,
    SuppressionsChanged,
    WatermarkAdvanced,
)
from shared.suppressions.keys import HELD, NOT_SUPPRESSED, OPTED_OUT, cache_key
from shared.suppressions.read import _CANONICAL, MANY_CHANGES, MAX_UNREADABLE, Changes, PartitionReader
from shared.suppressions.snapshot import Origin
from shared.suppressions.state import CacheState

PHONE = phone_in(0)
GOOD = changed(PHONE)
WATERMARK = record(WATERMARK_KEY, encode(WatermarkAdvanced(next_offset=3)))
CHECKPOINT = CheckpointPublished(next_offset=3, suppressed_count=1, digest="0" * 16)


def reader() -> PartitionReader:
    return PartitionReader(0, PARTITIONS)


def bad(key: bytes | None, value: bytes | None) -> dict[bytes, str]:
    reading = reader()
    assert list(reading.steps([record(key, value, offset=5)])) == []
    return reading.unreadable


def test_what_the_opt_out_service_writes_takes_the_fast_way() -> None:
    assert _CANONICAL.fullmatch(encode(GOOD))


def test_suppressions_that_follow_each_other_are_one_step_and_others_are_between() -> None:
    other = changed(PHONE, "held", scope="account")
    back = changed(PHONE, "opted_in")
    key = cache_key(0, PHONE)
    steps = list(reader().steps([record_of(GOOD), record_of(other), WATERMARK, record_of(back)]))
    assert steps == [
        Changes({(b"acme", b"list:1"): [(key, OPTED_OUT)], (b"acme", b"account"): [(key, HELD)]}, 2),
        WatermarkAdvanced(next_offset=3),
        Changes({(b"acme", b"list:1"): [(key, NOT_SUPPRESSED)]}, 1),
    ]  # fmt: skip


def test_a_record_of_many_phones_changes_each_in_its_place_among_the_others() -> None:
    phones = phones_in(0, 3)
    many = SuppressionsChanged(
        account_id="acme", scope="list:1", phones=tuple(phones), state="opted_out", cause_event_id=CAUSE,
        changed_at=GOOD.changed_at,
    )  # fmt: skip
    before, after = changed(phones[0], "opted_in"), changed(phones[1], "opted_in")
    reading = reader()
    steps = list(reading.steps([record_of(before), record(many.key(), encode(many)), record_of(after), WATERMARK]))
    states = [
        (phones[0], NOT_SUPPRESSED), *((phone, OPTED_OUT) for phone in phones), (phones[1], NOT_SUPPRESSED),
    ]  # fmt: skip
    entries = [(cache_key(0, phone), state) for phone, state in states]
    assert steps[0] == Changes({(b"acme", b"list:1"): entries}, 5)
    assert reading.unreadable == {}
    assert set(bad(b"!changes|x", encode(many))) == {b"!changes|x"}, "another key would be compacted with others"
    elsewhere = many.model_copy(update={"phones": (phones[0], phone_in(1))})
    list(reading.steps([record(elsewhere.key(), encode(elsewhere)), WATERMARK]))
    assert list(reading.unreadable) == [changed(phone_in(1)).key()]


async def test_others_have_a_turn_while_records_of_many_phones_are_applied() -> None:
    many = SuppressionsChanged(
        account_id="acme", scope="list:1", phones=tuple(phones_in(0, 300)), state="opted_out", cause_event_id=CAUSE,
        changed_at=GOOD.changed_at,
    )  # fmt: skip
    records = [record(many.key(), encode(many))] * (2 * MANY_CHANGES // 300)
    state = CacheState(Origin("id", "suppressions", PARTITIONS))
    had_a_turn = asyncio.Event()
    asyncio.get_running_loop().call_soon(had_a_turn.set)
    await state.partitions[0].apply(records, len(records))
    assert had_a_turn.is_set()


def test_a_record_written_in_another_order_with_more_fields_is_read_the_same() -> None:
    fields = {"more": 1, **dict(reversed(json.loads(encode(GOOD)).items()))}
    assert list(reader().steps([record(GOOD.key(), json.dumps(fields).encode())])) == list(
        reader().steps([record_of(GOOD)])
    )


def test_a_checkpoint_is_a_step() -> None:
    assert list(reader().steps([record(CHECKPOINT_KEY, encode(CHECKPOINT))])) == [CHECKPOINT]


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        (GOOD.key(), None, "tombstone"),
        (GOOD.key(), b"", "tombstone"),
        (WATERMARK_KEY, None, "tombstone"),
        (CHECKPOINT_KEY, None, "tombstone"),
        (GOOD.key(), b"\xff", "not_json"),
        (GOOD.key(), encode(GOOD)[:-1], "not_json"),
        (GOOD.key(), encode(GOOD).replace(b"opted_out", b"forgotten"), "invalid"),
        (GOOD.key(), encode(GOOD).replace(b'"version":1', b'"version":2'), "unknown_version"),
        (GOOD.key(), encode(GOOD).replace(b"suppression_changed", b"suppression_lifted"), "unknown_type"),
        (GOOD.key(), encode(GOOD).replace(b'"phone":"+', b'"phone":"'), "invalid"),
        (GOOD.key(), encode(changed(PHONE, scope="list:2")), "wrong_key"),
        (GOOD.key(), encode(changed(PHONE, account_id="zeta")), "wrong_key"),
        (GOOD.key(), encode(WatermarkAdvanced(next_offset=1)), "wrong_key"),
        (b"nonsense", b"{}", "unknown_type"),
        (None, encode(GOOD), "wrong_key"),
        (b"", encode(GOOD), "wrong_key"),
        (changed(phone_in(1)).key(), encode(changed(phone_in(1))), "belongs to partition 1"),
    ],
)
def test_a_record_that_cannot_be_read_is_kept_in_mind_and_changes_nothing(
    key: bytes | None, value: bytes | None, why: str
) -> None:
    ((noted, text),) = bad(key, value).items()
    assert noted == (key or b"")
    assert why in text


@pytest.mark.parametrize("good", [record_of(GOOD), record(GOOD.key(), b" " + encode(GOOD))])
def test_a_later_record_of_the_key_takes_the_doubt_away(good: ConsumerRecord) -> None:
    reading = reader()
    list(reading.steps([record(GOOD.key(), None), record_of(changed(PHONE, scope="account")), WATERMARK]))
    assert list(reading.unreadable) == [GOOD.key()]
    list(reading.steps([good]))
    assert reading.unreadable == {}


@pytest.mark.parametrize("key", [b"nonsense", changed(phone_in(1)).key()])
def test_what_should_never_have_been_written_may_be_deleted(key: bytes) -> None:
    reading = reader()
    list(reading.steps([record(key, b"nonsense")]))
    assert list(reading.unreadable) == [key]
    list(reading.steps([record(key, None)]))
    assert reading.unreadable == {}


def test_too_many_unreadable_keys_are_not_forgotten() -> None:
    reading = reader()
    keys = [f"nonsense {number}".encode() for number in range(MAX_UNREADABLE + 5)]
    list(reading.steps([record(key, b"nonsense") for key in keys]))
    list(reading.steps([record(key, None) for key in (*keys, b"")]))
    assert list(reading.unreadable) == [b""]
