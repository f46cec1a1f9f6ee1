"""The whole stack: real processes that can be stopped, killed, frozen and added one by one."""

import asyncio
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest
import pytest_asyncio
from harness_world import processes_of

from harness.client import create_account, produce
from harness.processes import HarnessError, StartError
from harness.stack.make_topics import make_topics
from harness.stack.stack import Stack
from shared.events.outbound import MessageRequested
from shared.kafka import new_admin
from shared.topics import OPT_OUT_EVENTS, check_topics

READY = {"inbound": 200, "optout": 200, "api": 200, "sender": 200, "sandbox": 200}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack() -> AsyncIterator[Stack]:
    quick = {"STOPLINE_SESSION_TIMEOUT_SECONDS": "2"}  # so soon has a successor what a killed process had
    async with Stack(durable=False, service_env=quick, say=lambda _: None) as stack:
        yield stack


async def readiness(stack: Stack) -> dict[str, int]:
    async with aiohttp.ClientSession() as http:
        found = {}
        for name, service in stack.services.items():
            async with http.get(f"{service.url}/health/ready") as response:
                found[name] = response.status
        return found


async def test_every_part_is_ready_and_the_topics_are_as_they_must_be(stack: Stack) -> None:
    assert await readiness(stack) == READY
    await check_topics(stack.kafka_settings())


async def test_its_endpoints_are_all_that_a_client_needs(stack: Stack) -> None:
    ends = stack.endpoints()

    account = await create_account(ends.api_url, ends.inbound_url, ends.admin_token, f"t-{uuid4().hex[:8]}")

    assert account.webhook_url.startswith(ends.inbound_url)
    assert {"kafka_bootstrap", "sandbox_url", "sender_url", "optout_database_url", "sender_database_url"} <= set(
        type(ends).model_fields
    )


@pytest.mark.parametrize("name", ["inbound", "optout", "api", "sender", "sandbox"])
async def test_a_service_that_was_killed_is_ready_again_at_its_address_after_a_start(stack: Stack, name: str) -> None:
    service = stack.services[name]
    pid = service.process.pid

    await stack.control("kill", name)
    assert service.process.returncode == -9
    await stack.control("start", name)

    assert service.process.pid != pid
    assert (await readiness(stack))[name] == 200


@pytest.mark.parametrize("name", ["inbound", "optout", "api", "sender", "sandbox"])
async def test_a_service_that_is_asked_to_end_ends_by_itself(stack: Stack, name: str) -> None:
    await stack.services[name].stop()

    # uvicorn hands SIGTERM on once it has closed everything; what had to be killed ends with -9
    assert stack.services[name].process.returncode in (0, -signal.SIGTERM)
    await stack.services[name].start()


async def test_a_service_dies_at_the_failpoint_that_it_was_started_with(stack: Stack) -> None:
    await stack.services["inbound"].restart(failpoint="inbound.never_reached=kill")
    assert (await readiness(stack))["inbound"] == 200

    with pytest.raises(StartError, match="STOPLINE_FAILPOINT: 'nonsense' is not name=kill"):
        await stack.services["inbound"].restart(failpoint="nonsense")

    await stack.services["inbound"].start()


async def test_a_second_instance_of_a_service_works_beside_the_first(stack: Stack) -> None:
    second = await stack.add_service("sender", instance=2)

    assert await readiness(stack) == {**READY, "sender-2": 200}
    assert second.url != stack.services["sender"].url

    await second.stop()
    del stack.services["sender-2"]


async def not_ready(stack: Stack, name: str, because: str = "") -> tuple[float, str]:
    """Wait until the service says that it is not ready, for that reason; return after how many seconds, and why."""
    started = time.monotonic()
    async with aiohttp.ClientSession() as http:
        while True:
            async with http.get(f"{stack.services[name].url}/health/ready") as response:
                why = await response.text()
                if response.status != 200 and because in why:
                    return time.monotonic() - started, why


async def not_ready_after(stack: Stack, names: Iterable[str], because: str = "") -> dict[str, tuple[float, str]]:
    async with asyncio.timeout(60):
        found = await asyncio.gather(*(not_ready(stack, name, because) for name in names))
    assert max(seconds for seconds, _ in found) < 3, found
    return dict(zip(names, found, strict=True))


@pytest.mark.parametrize(
    ("command", "server", "names"),
    [
        ("kill", "kafka", ("inbound", "optout", "api", "sender")),
        ("pause", "kafka", ("inbound", "optout", "api", "sender")),
        ("kill", "postgres", ("optout", "api", "sender")),
        ("pause", "postgres", ("optout", "api", "sender")),
    ],
)
async def test_a_service_says_within_three_seconds_that_what_it_needs_is_unavailable(
    stack: Stack, command: str, server: str, names: tuple[str, ...]
) -> None:
    await stack.control(command, server)
    try:
        # The first reason can be another one: a transaction that the outage cut off, for instance.
        await not_ready_after(stack, names, because=server.capitalize())
    finally:
        await stack.control("start" if command == "kill" else "resume", server)
    await asyncio.gather(*(stack.services[name].wait_ready(30) for name in names))


async def test_a_service_names_the_topic_that_was_deleted(stack: Stack) -> None:
    admin = new_admin(stack.kafka_settings().kafka)
    await admin.start()
    try:
        await admin.delete_topics([OPT_OUT_EVENTS])
        found = await not_ready_after(stack, ["optout"])
        assert "topic opt-out-events is not there" in found["optout"][1]
    finally:
        await admin.close()
        await make_topics(stack.kafka_settings())
    await stack.services["optout"].wait_ready(30)


async def test_a_sender_whose_messages_wait_for_the_opt_out_service_says_so(stack: Stack) -> None:
    await stack.control("kill", "optout")
    try:
        request = MessageRequested(
            account_id="waits",
            message_id=uuid4().hex,
            list_id=1,
            phone="+12025550123",
            sender_number="+18335550123",
            body="Hello. Reply STOP to opt out",
        )
        await produce(stack.kafka_settings().kafka, [request])
        seconds, why = await asyncio.wait_for(not_ready(stack, "sender"), 10)
        assert "at the fence" in why
        assert seconds < 5
    finally:
        await stack.control("start", "optout")
    await stack.services["sender"].wait_ready(30)


async def test_what_is_not_there_cannot_be_controlled(stack: Stack) -> None:
    with pytest.raises(HarnessError, match=r"there is no 'dashboard'; there are .*sender.* kafka, postgres"):
        await stack.control("stop", "dashboard")
    with pytest.raises(HarnessError, match="no command 'tickle'"):
        await stack.control("tickle", "sender")


async def test_a_start_that_fails_names_the_service_and_its_log_and_leaves_nothing_running(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mark = uuid4().hex
    monkeypatch.setenv("HARNESS_TEST_MARK", mark)
    stack = Stack(service_env={"STOPLINE_LOG_LEVEL": "LOUD"}, say=lambda _: None)

    with pytest.raises(StartError, match="STOPLINE_LOG_LEVEL") as failure:
        await stack.start()

    assert str(failure.value).startswith(("inbound", "optout", "api", "sender"))
    log = Path(str(failure.value).partition("its log is ")[2].partition(",")[0])
    assert "STOPLINE_LOG_LEVEL" in log.read_text()
    assert [entry.name for entry in log.parent.parent.iterdir()] == ["logs"]
    shutil.rmtree(log.parent.parent)
    assert processes_of(mark) == []


async def test_a_kept_folder_belongs_to_one_stack_at_a_time_and_keeps_its_accounts_and_webhooks() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)  # where we are root, Postgres runs as somebody else
        async with Stack(data_dir=Path(folder), say=lambda _: None) as first:
            ends = first.endpoints()
            account = await create_account(ends.api_url, ends.inbound_url, ends.admin_token, "kept")
            with pytest.raises(HarnessError, match="another stack is running in"):
                await Stack(data_dir=Path(folder), say=lambda _: None).start()

        async with Stack(data_dir=Path(folder), say=lambda _: None) as second:
            assert await readiness(second) == READY
            webhook = account.webhook_url.replace(ends.inbound_url, second.endpoints().inbound_url)
            form = {"from": "+12025550123", "to": "+18335550123", "body": "hello", "message_id": "1"}
            async with aiohttp.ClientSession() as http, http.post(webhook, data=form) as response:
                assert response.status == 200
