"""Catching up on a real Kafka: what a gateway lists is what its webhooks bring, once, across restarts."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from inbound_world import PARTITIONS, Gateway, headers_of, until, value_of

from harness.machine.ports import free_ports, release_ports
from harness.stack.embedded import EmbeddedBackend
from harness.stack.service import Service

ACCOUNT = "t-listed"
OTHER_ACCOUNT = "t-other-listed"
SECRET = "the-secret-of-these-tests"  # noqa: S105
OVERLAP_SECONDS = 900


class SinchOfATest:
    """A server with Sinch's lists of inbounds, one for each service plan."""

    def __init__(self) -> None:
        self.inbounds: list[dict[str, Any]] = []
        self.starts: list[datetime] = []
        self.refused: set[str] = set()

    async def list(self, request: web.Request) -> web.Response:
        if request.match_info["plan"] in self.refused:
            return web.json_response({"code": "unauthorized"}, status=401)
        self.starts.append(datetime.fromisoformat(request.query["start_date"]))
        return web.json_response({"count": len(self.inbounds), "page": 0, "inbounds": self.inbounds})

    def has(self, body: str, **fields: Any) -> dict[str, Any]:
        """Add a message to the lists."""
        added = {
            "type": "mo_text",
            "id": uuid4().hex,
            "from": "61411111111",
            "to": "61422222222",
            "body": body,
            "received_at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            **fields,
        }
        self.inbounds.insert(0, added)
        return added


@pytest_asyncio.fixture(loop_scope="session")
async def sinch() -> SinchOfATest:
    return SinchOfATest()


@pytest_asyncio.fixture(loop_scope="session")
async def poll(backend: EmbeddedBackend, sinch: SinchOfATest, tmp_path: Path) -> AsyncIterator[Service]:
    """The process, not started, with two accounts at the gateway of the test."""
    app = web.Application()
    app.router.add_get("/xms/v1/{plan}/inbounds", sinch.list)
    server = TestServer(app)
    await server.start_server()
    ports = free_ports(1)
    key = {"api_token": SECRET, "base_url": str(server.make_url("")).rstrip("/")}
    keys = {each: {"sinch": {**key, "service_plan_id": each}} for each in (ACCOUNT, OTHER_ACCOUNT)}
    environment = {
        "STOPLINE_HTTP_PORT": str(ports[0]),
        "STOPLINE_KAFKA_BOOTSTRAP": backend.kafka_bootstrap,
        "STOPLINE_PARTITIONS": str(PARTITIONS),
        "STOPLINE_GATEWAY_API_KEYS": json.dumps(keys),
        "STOPLINE_POLL_SECONDS": "1",
        "STOPLINE_POLL_OVERLAP_SECONDS": str(OVERLAP_SECONDS),
    }
    service = Service("poll", "services.inbound.poll", ports[0], environment, tmp_path / "poll.log")
    try:
        yield service
    finally:
        if service.started:
            await service.stop()
        await server.close()
        release_ports(ports)


def listed(backend: EmbeddedBackend, account_id: str = ACCOUNT) -> Gateway:
    return Gateway("", backend.kafka_bootstrap, account_id)


async def test_what_is_listed_is_the_event_of_its_webhook_and_is_appended_once(
    poll: Service, sinch: SinchOfATest, backend: EmbeddedBackend, running: Service
) -> None:
    gateway = Gateway(running.url, backend.kafka_bootstrap, ACCOUNT)
    row = sinch.has("STOP")
    assert (await gateway.post_json(row, gateway="sinch")).status_code == 200
    unreadable = sinch.has("STOP", **{"from": "nobody"})
    await poll.start()

    async def both_were_read() -> bool:
        return len(await gateway.records()) >= 3 and len(sinch.starts) >= 6

    await until("two rounds of two accounts", both_were_read)
    records = await gateway.records()
    messages = [value_of(record) for record in records if record.topic == "inbound-messages"]
    parked = [headers_of(record)["parked_reason"] for record in records if record.topic == "parked-messages"]
    assert len({message["event_id"] for message in messages}) == 1
    assert len(messages) == 2, "it was appended again in each round"
    assert parked == ["invalid_number"], unreadable


async def test_the_next_process_goes_on_where_this_one_ended(
    poll: Service, sinch: SinchOfATest, backend: EmbeddedBackend
) -> None:
    await poll.start()
    await until("a round", lambda: _has(sinch.starts, 2))
    await poll.kill()
    ended = datetime.now(UTC)
    sinch.starts.clear()
    missed = sinch.has("STOP")
    await poll.start()
    await until("another round", lambda: _has(sinch.starts, 2))
    overlap = timedelta(seconds=OVERLAP_SECONDS)
    assert all(abs(start - (ended - overlap)) < timedelta(seconds=60) for start in sinch.starts), sinch.starts

    async def is_there() -> bool:
        return missed["id"] in [
            value_of(each).get("gateway_message_id")
            for each in await listed(backend).records()
            if each.topic == "inbound-messages"
        ]

    await until("the message that came in between", is_there)


async def test_refused_credentials_of_one_account_delay_no_other(
    poll: Service, sinch: SinchOfATest, backend: EmbeddedBackend, tmp_path: Path
) -> None:
    sinch.refused.add(ACCOUNT)
    row = sinch.has("STOP")
    await poll.start()

    async def other_has_it() -> bool:
        return row["id"] in [value_of(each).get("gateway_message_id") for each in await _messages(backend)]

    await until("the other account's message", other_has_it)
    log = (tmp_path / "poll.log").read_text()
    assert "refuses the credentials" in log
    assert SECRET not in log


async def _messages(backend: EmbeddedBackend) -> list[Any]:
    records = await listed(backend, OTHER_ACCOUNT).records()
    return [record for record in records if record.topic == "inbound-messages"]


async def _has(found: list[Any], count: int) -> bool:
    return len(found) >= count


@pytest.mark.parametrize("setting", ['{"acme": {"pager": {}}}', "{"])
async def test_a_wrong_setting_ends_the_start_with_a_line(poll: Service, setting: str, tmp_path: Path) -> None:
    await poll.start(extra_env={"STOPLINE_GATEWAY_API_KEYS": setting}, wait=False)
    assert await poll.wait_exit() == 78
    assert "STOPLINE_GATEWAY_API_KEYS" in (tmp_path / "poll.log").read_text()
