"""Operators look at parked records of a real Kafka through the API, replay one that can be read, drop others."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from optout_world import NUMBER, OptOutWorld
from test_review import api_of

from harness.certificates import certificates
from shared.errors import PoisonError
from shared.events import codec
from shared.events.inbound import MessageReceived
from shared.parked_records import park
from shared.producer import OutgoingRecord, Producer, send_parked
from shared.topics import INBOUND_MESSAGES, SUPPRESSIONS

ADMIN_TOKEN = "the-admin-token-of-these-tests-only"  # noqa: S105 (of the tests)
HOSTILE = b'<script>alert(1)</script>\x00\xff\x1b[31m{"type":'


def parked(world: OptOutWorld, value: bytes, topic: str = INBOUND_MESSAGES, **fields: Any) -> OutgoingRecord:
    given = {
        "service": "stopline/optout", "topic": topic, "partition": world.partition, "offset": uuid4().int % 2**40,
        "key": world.phone.encode(), "headers": [("ce_type", b"message_received")],
        "error": PoisonError("unknown_type", "a newer version wrote it"), "now": datetime.now(UTC), **fields,
    }  # fmt: skip
    return park(value=value, **given)


async def put(world: OptOutWorld, *records: OutgoingRecord) -> None:
    producer = Producer(world.backend.kafka_bootstrap)
    try:
        for record in records:
            await send_parked(producer, [record])
    finally:
        await producer.close()


def operator(world: OptOutWorld, token: str = ADMIN_TOKEN) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(verify=certificates(), base_url=world.api.url, headers=headers, timeout=20)


async def listed(http: httpx.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    answer = await http.get("/v1/parked", params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["parked"]
    return found


async def test_a_record_that_can_be_read_now_is_replayed_and_decided_once(world: OptOutWorld) -> None:
    async with api_of(world), operator(world) as http:
        message_id = await world.was_sent(7)
        stop = MessageReceived(
            event_id=uuid4(), occurred_at=datetime.now(UTC), account_id=world.account_id, gateway="test",
            phone=world.phone, sender_number=NUMBER, body="STOP", replied_message_id=message_id,
        )  # fmt: skip
        await put(world, parked(world, codec.encode(stop)))
        found = (await listed(http, limit=1))[0]
        assert (found["original_topic"], found["why_not_replayed"], found["settled"]) == (INBOUND_MESSAGES, None, None)
        place = f"/v1/parked/{found['position']}"
        answers = await asyncio.gather(*(http.post(f"{place}/replay", json={"by": "ada"}) for _ in range(3)))
        assert sorted(each.status_code for each in answers) == [200, 409, 409]
        await world.fence()
        assert world.suppressions() == {"list:7": "opted_out"}
        (once,) = world.opt_out_events()
        assert once.cause_event_id == stop.event_id
        assert (await http.get(place)).json()["settled"]["by"] == "ada"
        assert found["parked_id"] not in {each["parked_id"] for each in await listed(http)}


async def test_hostile_bytes_are_shown_and_dropped_with_a_reason(world: OptOutWorld) -> None:
    async with api_of(world), operator(world) as http:
        await put(world, parked(world, HOSTILE), parked(world, b"{}", SUPPRESSIONS))
        forged, hostile = await listed(http, limit=2)
        assert "<script>" in hostile["text"]
        shown = (await http.get(f"/v1/parked/{hostile['position']}")).json()
        assert (shown["value_bytes"], shown["value_is_cut"]) == (len(HOSTILE), False)
        refused = await http.post(f"/v1/parked/{forged['position']}/replay", json={"by": "ada"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "not_replayable")
        unsaid = await http.post(f"/v1/parked/{hostile['position']}/drop", json={"by": "ada", "reason": " "})
        assert (unsaid.status_code, unsaid.json()["error"]["field"]) == (422, "reason")
        dropped = await http.post(f"/v1/parked/{hostile['position']}/drop", json={"by": "ada", "reason": "a scanner"})
        assert (dropped.status_code, dropped.json()["outcome"]) == (200, "dropped")
        (again,) = [each for each in await listed(http, settled="true") if each["parked_id"] == hostile["parked_id"]]
        assert again["settled"]["reason"] == "a scanner"
        assert (await http.get("/v1/parked/9999999")).status_code == 404


async def test_pages_go_from_the_newest_record_to_the_oldest_each_record_once(world: OptOutWorld) -> None:
    async with api_of(world), operator(world) as http:
        twice = parked(world, b"1", offset=1)
        await put(world, twice, *(parked(world, b"%d" % n) for n in range(2, 5)), twice)
        values, after = [], None
        while len(values) < 4:
            answer = await http.get("/v1/parked", params={"limit": 2} | ({"after": after} if after else {}))
            values += [each["text"] for each in answer.json()["parked"]]
            after = answer.json()["next"]
        assert values[:4] == ["1", "4", "3", "2"]
        assert await listed(http, reason="no-such-reason") == []


async def test_only_operators_see_parked_records(world: OptOutWorld) -> None:
    async with api_of(world) as account, operator(world) as http:
        opened = await http.post("/v1/operator-session")
        token = opened.json()["token"]
        async with operator(world, token) as session, operator(world, token + "0") as forged:
            assert (await session.get("/v1/parked")).status_code == 200
            assert (await session.post("/v1/operator-session")).status_code == 401  # it does not renew itself
            assert (await session.post("/v1/accounts", json={"account_id": "x", "name": "x"})).status_code == 401
            assert (await forged.get("/v1/parked")).status_code == 401
        assert (await account.get("/v1/parked")).status_code == 401
