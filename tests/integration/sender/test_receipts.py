"""No receipt is lost, whatever is unavailable, and no record of `delivery-events` holds the others up."""

import json
from typing import Any

import pytest
from aiohttp import ClientSession
from sender_world import World, until

from shared.events.outbound import MessageRequested
from shared.partitions import partition_of
from shared.smpp.references import reference_of

pytestmark = pytest.mark.timeout(180)

PARTITIONS = 3
RECEIPT = "delivery_receipt_received"
NOT_UTF8 = (("reply_to", b"\xff\xfe"), ("content-type", b"\xff"))
ODD: tuple[tuple[bytes | None, Any], ...] = (
    (b"not json", [("content-type", b"application/json")]),
    (None, ()),
    (b"", ()),
    (b"[]", ()),
    (b"[1, 2]", ()),
    (json.dumps({"type": RECEIPT}).encode(), ()),
    (json.dumps({"type": RECEIPT, "version": 2}).encode(), NOT_UTF8),
    (b'{"type": "delivery_receipt_received", ' + b"[" * 100_000, ()),
    (json.dumps({"type": "something", "text": f'"{RECEIPT}"'}).encode(), NOT_UTF8),
)


async def without_answers(world: World, count: int) -> list[MessageRequested]:
    """Return messages whose call had no answer."""
    asked = [world.request(number) for number in range(count)]
    await world.sandbox.set_faults(drop_rate=1, drop_when="after")
    await world.kafka.produce(*asked)
    await until("unknown", lambda: all("message_outcome_unknown" in world.kafka.published(each) for each in asked))
    return asked


async def all_sent(world: World, asked: list[MessageRequested]) -> None:
    await until("sent", lambda: all(world.kafka.published(each)[-1] == "message_sent" for each in asked), 60)
    assert len(await world.calls()) == len(asked)


async def receipts_wait(world: World) -> bool:
    async with ClientSession() as http, http.get(f"{world.sender.url}/health/ready") as response:
        return "receipts wait: delivery-events partition" in await response.text()


async def test_odd_records_are_passed_over_and_the_receipts_among_them_count(world: World) -> None:
    asked = await without_answers(world, 3)
    for each in asked:
        partition = partition_of(each.phone, PARTITIONS)
        for value, headers in ODD:
            await world.kafka.produce_delivery_event(value, partition, headers)
        await world.kafka.receipt(each, "carrier-id-1")
        for value, headers in ODD:
            await world.kafka.produce_delivery_event(value, partition, headers)
    await all_sent(world, asked)
    ends = await world.kafka.ends("delivery-events")
    group = ("stopline-sender-receipts", "delivery-events")
    await until("committed", lambda: _committed(world, group, ends))


async def _committed(world: World, group: tuple[str, str], ends: dict[int, int]) -> bool:
    found = await world.kafka.committed(*group)
    return all(found.get(partition, 0) >= end for partition, end in ends.items() if end)


async def test_a_receipt_with_a_reference_in_place_of_our_id_settles_the_message(world: World) -> None:
    asked = await without_answers(world, 2)
    wrong = reference_of(asked[0].account_id, "another-id")
    await world.kafka.receipt(asked[0], "carrier-id-0", reference=wrong)
    for each in asked:
        await world.kafka.receipt(each, "carrier-id-1", reference=reference_of(each.account_id, each.message_id))
    await all_sent(world, asked)
    assert {world.kafka.event(each, "message_sent").carrier_message_id for each in asked} == {"carrier-id-1"}


async def test_receipts_that_came_while_the_ledger_was_unavailable_are_not_lost(world: World) -> None:
    asked = await without_answers(world, 20)
    await world.backend.kill_postgres()
    for each in asked[:10]:
        await world.kafka.receipt(each, "carrier-id-1")
    await until("not ready", lambda: receipts_wait(world))
    for each in asked[10:]:
        await world.kafka.receipt(each, "carrier-id-1")
    await world.backend.start_postgres()
    await all_sent(world, asked)
    await until("ready", lambda: _is_ready(world))


async def _is_ready(world: World) -> bool:
    async with ClientSession() as http, http.get(f"{world.sender.url}/health/ready") as response:
        return response.status == 200


async def test_receipts_that_wait_while_another_sender_comes_and_goes_are_not_lost(world: World) -> None:
    asked = await without_answers(world, 20)
    await world.second_sender.start()
    await world.backend.kill_postgres()
    for each in asked[:10]:
        await world.kafka.receipt(each, "carrier-id-1")
    await until("not ready", lambda: receipts_wait(world))
    await world.second_sender.kill()
    for each in asked[10:]:
        await world.kafka.receipt(each, "carrier-id-1")
    seen: set[int] = set()
    await until("the first sender has tried all partitions", lambda: _has_tried_all(world, seen), 60)
    await world.backend.start_postgres()
    await all_sent(world, asked)


async def _has_tried_all(world: World, seen: set[int]) -> bool:
    async with ClientSession() as http, http.get(f"{world.sender.url}/health/ready") as response:
        text = await response.text()
    seen.update(number for number in range(PARTITIONS) if f"delivery-events partition {number}" in text)
    return len(seen) == PARTITIONS


async def test_receipts_that_a_sender_had_in_hand_when_it_was_killed_are_not_lost(world: World) -> None:
    asked = await without_answers(world, 5)
    await world.backend.kill_postgres()
    for each in asked:
        await world.kafka.receipt(each, "carrier-id-1")
    await until("not ready", lambda: receipts_wait(world))
    await world.sender.kill()
    await world.backend.start_postgres()
    await world.sender.start()
    await all_sent(world, asked)
