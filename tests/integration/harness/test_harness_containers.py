"""The containers backend: the official images, with the same faults as the embedded one."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from harness_world import consume, make_topic, produce, query

from harness.stack.containers import ContainersBackend
from harness.stack.docker import docker_answers

pytestmark = pytest.mark.docker


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def containers() -> AsyncIterator[ContainersBackend]:
    if not docker_answers() and os.environ.get("STOPLINE_REQUIRE_DOCKER") != "1":
        pytest.skip("no Docker engine answers")
    async with ContainersBackend() as backend:
        yield backend


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
