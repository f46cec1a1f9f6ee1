"""Carriers' lists and ours on a real Kafka: what is listed blocks once, what is decided is written, and no more."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from inbound_world import PARTITIONS, Gateway, headers_of, until, value_of

from harness.machine.ports import free_ports, release_ports
from harness.stack.embedded import EmbeddedBackend
from harness.stack.service import Service
from shared.events.codec import cloud_event_headers, encode
from shared.events.opt_out import OptedIn, OptedOut
from shared.kafka import new_producer
from shared.topics import OPT_OUT_EVENTS

ACCOUNT, FAILING = "t-in-step", "t-failing"
NUMBER, OTHER_NUMBER = "+18335550123", "+18335550124"
LISTED, AT_AWS, LEAVES, BACK, REFUSED = (f"+1415555010{last}" for last in range(5))
SECRET = "the-secret-of-these-tests"  # noqa: S105


class CarriersOfATest:
    """A server with Telnyx's and AWS's lists, where Twilio is out of order."""

    def __init__(self) -> None:
        self.telnyx_pages = 0
        self.at_aws = {AT_AWS}
        self.written: list[tuple[str, str]] = []
        self.twilio_calls = 0

    async def telnyx(self, request: web.Request) -> web.Response:
        self.telnyx_pages += 1
        page = int(request.query["page[number]"])
        row = {"from": NUMBER, "to": LISTED, "messaging_profile_id": "profile-1"}
        first, again = "2025-04-28 12:00:38+00:00", "2025-05-01 12:00:38+00:00"
        rows = {
            1: [{**row, "created_at": first}, {**row, "created_at": first, "to": "+1415****"}],
            2: [{**row, "created_at": again}],
        }
        return web.json_response({"data": rows[page], "meta": {"total_pages": 2, "page_number": page}})

    async def aws(self, request: web.Request) -> web.Response:
        operation, asked = request.headers["X-Amz-Target"].partition(".")[2], await request.json()
        if operation == "DescribeOptedOutNumbers":
            assert asked["Filters"] == [{"Name": "end-user-opted-out", "Values": ["true"]}]
            row = {"OptedOutTimestamp": 1745841638.5, "EndUserOptedOut": True}
            return web.json_response({"OptedOutNumbers": [{"OptedOutNumber": each, **row} for each in self.at_aws]})
        if asked["OptedOutNumber"] == REFUSED:
            return web.json_response({"__type": "ValidationException", "Message": REFUSED}, status=400)
        self.written.append((operation, asked["OptedOutNumber"]))
        return web.json_response({})

    async def twilio(self, _: web.Request) -> web.Response:
        self.twilio_calls += 1
        return web.Response(status=503)


@pytest_asyncio.fixture(loop_scope="session")
async def carriers() -> CarriersOfATest:
    return CarriersOfATest()


@pytest_asyncio.fixture(loop_scope="session")
async def poll(backend: EmbeddedBackend, carriers: CarriersOfATest, tmp_path: Path) -> AsyncIterator[Service]:
    """The process, not started."""
    app = web.Application()
    app.router.add_get("/v2/messaging_optouts", carriers.telnyx)
    app.router.add_post("/", carriers.aws)
    app.router.add_post("/v1/Consents/Bulk", carriers.twilio)
    server = TestServer(app)
    await server.start_server()
    url, ports = str(server.make_url("")).rstrip("/"), free_ports(1)
    aws = {"access_key_id": "AKIA0", "secret_access_key": SECRET, "region": "us-east-1", "base_url": url}
    keys = {
        ACCOUNT: {"telnyx": {"api_key": SECRET, "base_url": url}, "aws": aws},
        FAILING: {
            "twilio": {"account_sid": "AC" + "0" * 32, "auth_token": SECRET, "base_url": url, "consents_url": url}
        },
    }
    to_aws = {"read": True, "write": "account", "opt_out_lists": ["Marketing"]}
    lists = {
        ACCOUNT: {"telnyx": {"read": True}, "aws": to_aws},
        FAILING: {"twilio": {"write": "all", "senders": ["MG1"]}},
    }
    environment = {
        "STOPLINE_HTTP_PORT": str(ports[0]),
        "STOPLINE_KAFKA_BOOTSTRAP": backend.kafka_bootstrap,
        "STOPLINE_PARTITIONS": str(PARTITIONS),
        "STOPLINE_GATEWAY_API_KEYS": json.dumps(keys),
        "STOPLINE_CARRIER_LISTS": json.dumps(lists),
        "STOPLINE_NUMBER_POOLS": json.dumps({ACCOUNT: {"Marketing": [OTHER_NUMBER], "profile-1": [NUMBER]}}),
    }
    service = Service("poll", "services.inbound.poll", ports[0], environment, tmp_path / "poll.log")
    try:
        yield service
    finally:
        if service.started:
            await service.stop()
        await server.close()
        release_ports(ports)


def decided(kind: type[OptedOut | OptedIn], phone: str, account_id: str = ACCOUNT, **fields: Any) -> OptedOut | OptedIn:
    return kind(
        event_id=uuid4(), occurred_at=datetime.now(UTC), account_id=account_id, phone=phone, list_id=None,
        sender_number=None, cause_event_id=uuid4(), rule="", rule_version=0, attribution="account",
        **{"scope": "account", **fields},
    )  # fmt: skip


async def published(backend: EmbeddedBackend, *events: OptedOut | OptedIn) -> None:
    producer = new_producer(backend.kafka_bootstrap)
    await producer.start()
    for event in events:
        headers = cloud_event_headers(event, "stopline/optout")
        await producer.send_and_wait(OPT_OUT_EVENTS, encode(event), event.phone.encode(), 0, headers=headers)
    await producer.stop()


async def test_lists_are_read_and_written_and_neither_comes_back(
    poll: Service, carriers: CarriersOfATest, backend: EmbeddedBackend
) -> None:
    gateway = Gateway("", backend.kafka_bootstrap, ACCOUNT)
    await published(
        backend,
        decided(OptedOut, LEAVES, FAILING),  # first in the partition: it must hold up nobody else's
        decided(OptedOut, LISTED, scope=f"sender:{OTHER_NUMBER}", source="carrier"),
        decided(OptedOut, LISTED, scope="list:1"),
        decided(OptedOut, REFUSED),
        decided(OptedOut, LEAVES),
        decided(OptedOut, BACK),
        decided(OptedIn, BACK),
    )
    await poll.start()

    async def all_is_done() -> bool:
        return len(carriers.written) >= 2 and carriers.twilio_calls > 0 and len(await gateway.records()) >= 5

    await until("both directions", all_is_done)
    records = await gateway.records()
    blocks = [value_of(record) for record in records if record.topic == "inbound-messages"]
    found = sorted((each["gateway"], each["phone"], each["occurred_at"], each["sender_numbers"][0]) for each in blocks)
    assert found == [
        ("aws", AT_AWS, "2025-04-28T12:00:38.500000Z", OTHER_NUMBER),
        ("telnyx", LISTED, "2025-04-28T12:00:38.000000Z", NUMBER),
        ("telnyx", LISTED, "2025-05-01T12:00:38.000000Z", NUMBER),
    ]
    parked = sorted(headers_of(record)["parked_reason"] for record in records if record.topic == "parked-messages")
    assert parked == ["carrier_refuses", "invalid_number"]
    details = [headers_of(record).get("parked_detail", "") for record in records]
    assert not any(REFUSED in detail for detail in details)
    assert carriers.written == [("PutOptedOutNumber", LEAVES), ("DeleteOptedOutNumber", BACK)]


async def test_a_process_that_starts_again_says_the_same_and_writes_nothing_twice(
    poll: Service, carriers: CarriersOfATest, backend: EmbeddedBackend
) -> None:
    gateway = Gateway("", backend.kafka_bootstrap, ACCOUNT)
    before = {value_of(record)["event_id"] for record in await gateway.records() if record.topic == "inbound-messages"}
    await poll.start()
    await published(backend, decided(OptedOut, AT_AWS))

    async def comes_after() -> bool:
        return bool(carriers.written) and carriers.telnyx_pages >= 2

    await until("what comes after the restart", comes_after)
    assert carriers.written == [("PutOptedOutNumber", AT_AWS)]
    records = [record for record in await gateway.records() if record.topic == "inbound-messages"]
    assert {value_of(record)["event_id"] for record in records} == before
