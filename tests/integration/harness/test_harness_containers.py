"""The containers backend: the official images, with the same faults as the embedded one."""

import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from harness_world import consume, make_topic, produce, query, until

from harness.stack.container import docker_answers
from harness.stack.containers import ContainersBackend

pytestmark = pytest.mark.docker


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def containers() -> AsyncIterator[ContainersBackend]:
    _need_docker()
    async with ContainersBackend() as backend:
        yield backend


def _need_docker() -> None:
    if docker_answers():
        return
    if os.environ.get("STOPLINE_REQUIRE_DOCKER") == "1":
        pytest.fail("STOPLINE_REQUIRE_DOCKER=1, but no Docker engine answers")
    pytest.skip("no Docker engine answers")


async def test_a_record_survives_a_kill_of_the_container_at_the_same_address(containers: ContainersBackend) -> None:
    address = containers.kafka_bootstrap
    await make_topic(address, "survives")
    await produce(address, "survives", b"before")

    await containers.kill_kafka()
    await containers.start_kafka()

    await produce(address, "survives", b"after")
    assert await consume(address, "survives", 2) == [b"before", b"after"]


async def test_a_row_survives_a_kill_of_the_container_at_the_same_address(containers: ContainersBackend) -> None:
    address = containers.optout_database_url
    assert int(str(await query(address, "SHOW server_version_num"))) >= 180_000
    await query(address, "CREATE TABLE survivors AS SELECT 7 AS number")

    await containers.kill_postgres()
    await containers.start_postgres()

    assert await query(address, "SELECT number FROM survivors") == 7


PARENT = """
import asyncio
from harness.stack.containers import ContainersBackend

async def main():
    async with ContainersBackend(say=lambda _: None) as backend:
        print(backend.postgres.name, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def test_the_containers_and_their_network_are_gone_when_the_parent_is_killed() -> None:
    _need_docker()
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    stack = parent.stdout.readline().strip().removesuffix("-postgres")
    assert any(stack in name for name in _containers_and_networks())

    parent.kill()
    parent.communicate(timeout=90)

    until(lambda: not any(stack in name for name in _containers_and_networks()), 60, "nothing of it is left")


async def test_data_in_a_kept_folder_outlives_the_containers() -> None:
    _need_docker()
    volumes: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for expected in ([b"first"], [b"first", b"second"]):
            async with ContainersBackend(data_folder=Path(folder), say=lambda _: None) as backend:
                volumes = _mounted_volumes(backend.postgres.name) + _mounted_volumes(backend.kafka_names[0])
                if len(expected) == 1:
                    await make_topic(backend.kafka_bootstrap, "kept")
                    await query(backend.sender_database_url, "CREATE TABLE kept AS SELECT 7 AS number")
                await produce(backend.kafka_bootstrap, "kept", expected[-1])
                assert await consume(backend.kafka_bootstrap, "kept", len(expected)) == expected
                assert await query(backend.sender_database_url, "SELECT number FROM kept") == 7
    _docker("volume", "rm", *(name for name in volumes if name.startswith("stopline-")))


def _containers_and_networks() -> list[str]:
    names = _docker("ps", "--all", "--format", "{{.Names}}") + _docker("network", "ls", "--format", "{{.Name}}")
    return names.split()


def _mounted_volumes(container: str) -> list[str]:
    return _docker("inspect", "--format", "{{range .Mounts}}{{.Name}} {{end}}", container).split()


def _docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True, timeout=60).stdout
