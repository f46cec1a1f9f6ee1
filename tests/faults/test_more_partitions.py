"""More partitions for a deployment that has opt-outs: killed at each step and run again, it loses and lifts nothing."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio

from faults.shop import NUMBERS, open_shop_of
from faults.tap import Tap
from faults.waiting import until
from faults.world import SETTINGS, World
from harness.checker.read_kafka import end_positions
from harness.client import follow_delivery_events, produce
from harness.sandbox.client import SandboxClient
from harness.stack.stack import Stack
from shared.events.codec import cloud_event_headers, encode
from shared.events.inbound import MessageReceived
from shared.kafka import new_producer
from shared.partitions import partition_of
from shared.topics import INBOUND_MESSAGES

pytestmark = pytest.mark.timeout(280)

BEFORE, AFTER = 3, 8
SERVICES = ("optout", "api", "sender", "inbound", "links")
KILLED_AT = (
    "partitions.one_grown",
    "partitions.suppressions_deleted",
    "partitions.inbound_copied",
    "partitions.finished",
)
EXIT_MISCONFIGURED = 78
_PHONES = [f"+1415555{number}" for number in range(1000, 1100)]
MOVING = [each for each in _PHONES if partition_of(each, BEFORE) != partition_of(each, AFTER)][:10]
STAYING = [each for each in _PHONES if partition_of(each, BEFORE) == partition_of(each, AFTER)][:2]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def small_stack(request: pytest.FixtureRequest) -> AsyncIterator[Stack]:
    backend = request.config.getoption("--stopline-backend")
    async with Stack(
        backend=backend, partitions=BEFORE, durable=False, links=True, service_env=SETTINGS, say=lambda _: None
    ) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def growing(small_stack: Stack) -> AsyncIterator[World]:
    ends = small_stack.endpoints()
    async with SandboxClient(ends.sandbox_url) as sandbox, follow_delivery_events(ends.kafka_bootstrap) as events:
        await sandbox.set_faults(webhook_retries=8)
        shop = await open_shop_of(ends, sandbox, (*MOVING, *STAYING))
        yield World(small_stack, sandbox, events, shop, await end_positions(ends.kafka_bootstrap), Tap())


def run_stopline(world: World, *words: str, failpoint: str = "") -> subprocess.CompletedProcess[str]:
    backend = world.stack.backend
    settings = {
        "STOPLINE_KAFKA_BOOTSTRAP": world.bootstrap,
        "STOPLINE_OPTOUT_DATABASE_URL": backend.optout_pipeline_url,
        "STOPLINE_SENDER_DATABASE_URL": backend.sender_database_url,
        "STOPLINE_RECEPTION_GAP_SECONDS": SETTINGS["STOPLINE_RECEPTION_GAP_SECONDS"],
        "STOPLINE_FAILPOINT": f"{failpoint}=kill" if failpoint else "",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("STOPLINE_")}
    command = [sys.executable, "-m", "harness.cli", *words]
    return subprocess.run(command, env=inherited | settings, capture_output=True, text=True, timeout=120, check=False)


async def change(world: World, failpoint: str = "") -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(run_stopline, world, "partitions", "change", str(AFTER), failpoint=failpoint)


async def opted_out(world: World, phones: tuple[str, ...]) -> None:
    list_id = world.shop.list_ids[0]
    for phone in phones:
        await world.arrives(await world.send(phone, list_id))
        await world.reply(phone, "STOP")
    for phone in phones:
        await world.outcome(await world.send(phone, list_id), "message_suppressed")


async def link_to(world: World, phone: str) -> str:
    request = world.shop.request(phone, world.shop.list_ids[0])
    await produce(world.bootstrap, [request.model_copy(update={"body": "News. No more of them: {{opt_out_link}}"})])
    await world.arrives(request)
    link = re.findall(r"https?://\S+", (await world.sandbox.messages(phone))[-1]["body"])[0]
    assert isinstance(link, str)
    return link


async def keep_a_merged_spelling(world: World) -> None:
    """Have an opt-out of a spelling that was merged, which caches hold and checkpoints count."""
    connection = await asyncpg.connect(world.stack.backend.optout_database_url)
    await connection.execute(
        "INSERT INTO merged_suppressions (account_id, scope, phone, state, cause_event_id, changed_at)"
        " VALUES ($1, 'account', '+5215512345678', 'opted_out', gen_random_uuid(), now())",
        world.shop.account.account_id,
    )
    await connection.close()


async def positions(world: World) -> dict[int, int]:
    connection = await asyncpg.connect(world.stack.backend.optout_database_url)
    rows = await connection.fetch("SELECT partition, next_offset FROM partition_positions")
    await connection.close()
    return {row["partition"]: row["next_offset"] for row in rows}


async def written_by_a_process_that_slept(world: World, phone: str) -> None:
    """Append a STOP as `inbound` does that slept through the change: where its old number of partitions places it."""
    stop = MessageReceived(
        event_id=uuid4(),
        occurred_at=datetime.now(UTC),
        account_id=world.shop.account.account_id,
        gateway="generic",
        phone=phone,
        sender_number=NUMBERS[0],
        body="STOP",
    )
    async with new_producer(world.bootstrap) as producer:
        await producer.send_and_wait(
            INBOUND_MESSAGES, encode(stop), phone.encode(), partition_of(phone, BEFORE),
            headers=cloud_event_headers(stop, "stopline/inbound"),
        )  # fmt: skip


async def evidence_of(world: World, phone: str) -> list[tuple[str, bool]]:
    """Return what was decided about the phone, in order, and whether each entry is as it was chained."""
    account = world.shop.account
    async with httpx.AsyncClient(base_url=world.api_url, auth=(account.account_id, account.api_key)) as http:
        answer = await http.get("/v1/evidence", params={"phone": phone})
    return [(json.loads(entry["entry"])["answer"], entry["intact"]) for entry in answer.json()["entries"]]


async def restart_with_more_partitions(world: World) -> None:
    await asyncio.gather(
        *(world.service(name).start(extra_env={"STOPLINE_PARTITIONS": str(AFTER)}) for name in SERVICES)
    )


async def test_what_was_opted_out_stays_so_and_what_was_not_decided_is_decided(growing: World) -> None:
    world, list_id = growing, growing.shop.list_ids[0]
    early, undecided = (*MOVING[:4], STAYING[0]), (*MOVING[4:7], STAYING[1])
    clicker, comes_back, never, late = MOVING[7], MOVING[0], MOVING[8], MOVING[9]
    await opted_out(world, early)
    link = await link_to(world, clicker)
    for phone in undecided:
        await world.arrives(await world.send(phone, list_id))
    await world.service("optout").stop()
    for phone in undecided:
        await world.reply(phone, "STOP")

    refused = await change(world)
    assert (refused.returncode, "stop every service first" in refused.stderr) == (1, True), refused
    await asyncio.gather(*(world.service(name).stop() for name in SERVICES[1:]))
    await keep_a_merged_spelling(world)
    before = await positions(world)
    for failpoint in KILLED_AT:
        killed = await change(world, failpoint)
        assert killed.returncode == -signal.SIGKILL, (failpoint, killed)
        if failpoint == "partitions.inbound_copied":  # all but the last step: it must not look like the end
            await world.service("optout").start(extra_env={"STOPLINE_PARTITIONS": str(AFTER)}, wait=False)
            assert await world.service("optout").wait_exit() == EXIT_MISCONFIGURED
    now = await positions(world)
    assert all(now[number] > at for number, at in before.items()), (
        "a pipeline that slept finds no position where it was"
    )
    again = await change(world)
    assert (again.returncode, "8 partitions already" in again.stdout) == (0, True), again

    await written_by_a_process_that_slept(world, late)
    await restart_with_more_partitions(world)
    async with follow_delivery_events(world.bootstrap) as events:  # also those of the partitions that are new
        await check_after(replace(world, events=events), (*early, *undecided, late), clicker, link, comes_back, never)
    assert await evidence_of(world, comes_back) == [("opt_out", True), ("opt_in", True)]
    verified = await asyncio.to_thread(run_stopline, world, "evidence", "verify")
    assert (verified.returncode, "chain unbroken" in verified.stdout) == (0, True), verified


async def check_after(  # noqa: PLR0913, PLR0917 (who is who)
    world: World, out: Sequence[str], clicker: str, link: str, comes_back: str, never: str
) -> None:
    list_id = world.shop.list_ids[0]
    for phone in out:
        await world.outcome(await world.send(phone, list_id), "message_suppressed", timeout_seconds=60)
    async with httpx.AsyncClient() as http:
        answer = await http.post(link, data={"choice": "list"})
    assert answer.status_code == 200
    await world.outcome(await world.send(clicker, list_id), "message_suppressed")
    await world.reply(comes_back, "START")
    await until("the opt-in", lambda: world.is_state("active", comes_back, list_id))
    for phone in (comes_back, never):
        await world.arrives(await world.send(phone, list_id))
