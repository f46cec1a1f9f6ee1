"""What a process writes that slept while partitions were added is decided where it belongs."""

from typing import Any
from uuid import uuid4

import pytest
from aiokafka import ConsumerRecord
from recipients import NOON, NUMBER

from services.optout.pipeline.forward import Forwarder
from services.optout.pipeline.parse import parse
from services.optout.removals import request_id
from shared.events.codec import encode
from shared.events.inbound import MessageReceived
from shared.events.removals import RemovalsRequested
from shared.parking import Parking
from shared.partitions import partition_of

BEFORE, AFTER = 3, 8
PHONES = [
    phone
    for phone in (f"+1415555{number}" for number in range(1000, 1400))
    if partition_of(phone, BEFORE) == 1 and partition_of(phone, AFTER) == 6
]
OF_NEITHER = next(
    phone
    for phone in (f"+1415555{number}" for number in range(1000, 1400))
    if 1 not in (partition_of(phone, BEFORE), partition_of(phone, AFTER))
)


def stop_of(phone: str) -> MessageReceived:
    return MessageReceived(
        event_id=uuid4(), occurred_at=NOON, account_id="demo", gateway="generic", phone=phone, sender_number=NUMBER,
        body="STOP",
    )  # fmt: skip


def record(offset: int, event: Any) -> ConsumerRecord[Any, Any]:
    value = encode(event)
    return ConsumerRecord("inbound-messages", 1, offset, 0, 0, None, value, None, 0, len(value), ())


class SomeSettings:
    """What a forwarder needs to know; it never connects here."""

    partitions = AFTER
    kafka: Any = None


async def test_a_stop_that_was_placed_by_the_old_number_goes_to_its_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[tuple[Any, bytes, int]] = []

    async def note(_: Forwarder, event: Any, key: bytes, partition: int) -> None:
        published.append((event, key, partition))

    monkeypatch.setattr(Forwarder, "_publish", note)
    stop, other = stop_of(PHONES[0]), stop_of(OF_NEITHER)
    (parsed,) = parse([record(0, stop), record(1, other)], AFTER, Parking("test"), NOON, {BEFORE})
    assert (parsed.received, dict(parsed.bad), parsed.next_offset) == ([], {"wrong_partition": 1}, 2)
    settings: Any = SomeSettings()
    no_pool: Any = None
    await Forwarder(settings, no_pool).forward(parsed)
    assert published == [(stop, PHONES[0].encode(), 6)]


def test_a_part_of_a_clean_up_that_was_placed_by_the_old_number_goes_on_one_by_one() -> None:
    common = {"event_id": uuid4(), "occurred_at": NOON, "account_id": "demo", "list_id": 7, "by": "ada"}
    part = RemovalsRequested.model_validate({**common, "job_id": uuid4(), "phones": tuple(PHONES[:2])})
    (parsed,) = parse([record(0, part)], AFTER, Parking("test"), NOON, {BEFORE})
    assert [(place, str(event.event_id)) for place, event in parsed.elsewhere] == [
        (6, request_id(part, phone)) for phone in PHONES[:2]
    ]
    assert (dict(parsed.bad), list(parsed.parked)) == ({}, [])


def test_where_partitions_were_never_added_it_is_parked() -> None:
    (parsed,) = parse([record(0, stop_of(PHONES[0]))], AFTER, Parking("test"), NOON)
    assert (list(parsed.elsewhere), dict(parsed.bad)) == ([], {"wrong_partition": 1})
