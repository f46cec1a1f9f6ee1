"""The embedded backend is a real Kafka and a real Postgres, and its faults are real ones."""

import asyncio
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from harness_world import consume, make_topic, produce, query

from harness.processes import StartError
from harness.stack.embedded import EmbeddedBackend
from harness.stack.make_topics import make_topics
from shared.settings import KafkaSettings
from shared.topics import PARKED_MESSAGES, check_topics

MEGABYTE = 1024 * 1024


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that Postgres gets to where the tests run as root; pytest's own is closed to it."""
    with tempfile.TemporaryDirectory() as path:
        Path(path).chmod(0o711)
        yield Path(path)


async def test_a_record_that_was_produced_can_be_consumed(embedded: EmbeddedBackend) -> None:
    await make_topic(embedded.kafka_bootstrap, "produced")

    await produce(embedded.kafka_bootstrap, "produced", b"one")

    assert await consume(embedded.kafka_bootstrap, "produced", 1) == [b"one"]


async def test_it_is_postgres_15_or_newer_with_two_databases(embedded: EmbeddedBackend) -> None:
    for url, name in ((embedded.optout_database_url, "optout"), (embedded.sender_database_url, "sender")):
        assert int(str(await query(url, "SHOW server_version_num"))) >= 150_000
        assert await query(url, "SELECT current_database() || ' ' || current_user") == f"{name} {name}"


async def test_the_sender_cannot_read_the_opt_out_database(embedded: EmbeddedBackend) -> None:
    address = embedded.sender_database_url.removesuffix("sender") + "optout"

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await query(address, "SELECT 1")


async def test_a_wrong_password_is_refused(embedded: EmbeddedBackend) -> None:
    user, _, server = embedded.optout_database_url.partition("@")

    with pytest.raises(asyncpg.InvalidPasswordError):
        await query(f"{user[:-1]}@{server}", "SELECT 1")


async def test_it_holds_the_topics_of_stopline_as_they_must_be(embedded: EmbeddedBackend) -> None:
    settings = KafkaSettings(kafka_bootstrap=embedded.kafka_bootstrap)

    await make_topics(settings)

    await check_topics(settings)


async def test_a_topic_may_take_records_of_more_than_a_megabyte(embedded: EmbeddedBackend) -> None:
    await make_topics(KafkaSettings(kafka_bootstrap=embedded.kafka_bootstrap))

    await produce(embedded.kafka_bootstrap, PARKED_MESSAGES, b"x" * (2 * MEGABYTE))

    assert len((await consume(embedded.kafka_bootstrap, PARKED_MESSAGES, 1))[0]) == 2 * MEGABYTE


async def test_an_acknowledged_record_survives_a_kill_of_kafka_at_the_same_address(embedded: EmbeddedBackend) -> None:
    await make_topic(embedded.kafka_bootstrap, "survives")
    await produce(embedded.kafka_bootstrap, "survives", b"before")
    address, pid = embedded.kafka_bootstrap, embedded.kafka.nodes[0].pid

    await embedded.kill_kafka()
    assert embedded.kafka.nodes[0].returncode == -9
    await embedded.start_kafka()

    assert embedded.kafka.nodes[0].pid != pid
    await produce(address, "survives", b"after")
    assert await consume(address, "survives", 2) == [b"before", b"after"]


async def test_a_committed_row_survives_a_kill_of_postgres_at_the_same_address(embedded: EmbeddedBackend) -> None:
    address = embedded.optout_database_url
    await query(address, "CREATE TABLE survivors AS SELECT 7 AS number")
    open_session = await asyncpg.connect(address)

    await embedded.kill_postgres()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await open_session.fetchval("SELECT 1")
    await embedded.start_postgres()

    assert await query(address, "SELECT number FROM survivors") == 7


async def test_a_role_whose_creation_was_cut_off_is_created_by_the_next_start(embedded: EmbeddedBackend) -> None:
    owner = await asyncpg.connect(embedded.postgres.url("stopline"))
    await owner.execute("DROP OWNED BY optout_links; DROP ROLE optout_links")
    await owner.close()
    await embedded.kill_postgres()
    await embedded.start_postgres()
    connection = await asyncpg.connect(embedded.optout_links_url)
    assert await connection.fetchval("SELECT current_user") == "optout_links"
    await connection.close()


async def test_a_frozen_kafka_answers_nobody_until_it_goes_on(embedded: EmbeddedBackend) -> None:
    await make_topic(embedded.kafka_bootstrap, "frozen")
    await embedded.pause_kafka()

    sending = asyncio.create_task(produce(embedded.kafka_bootstrap, "frozen", b"late"))
    await asyncio.wait([sending], timeout=0.5)
    assert not sending.done()

    await embedded.resume_kafka()
    await asyncio.wait([sending], timeout=30)
    assert await consume(embedded.kafka_bootstrap, "frozen", 1) == [b"late"]


async def test_a_frozen_postgres_answers_no_session_until_it_goes_on(embedded: EmbeddedBackend) -> None:
    session = await asyncpg.connect(embedded.sender_database_url)
    await embedded.pause_postgres()

    asking = asyncio.create_task(session.fetchval("SELECT 7"))
    await asyncio.wait([asking], timeout=0.5)
    assert not asking.done()

    await embedded.resume_postgres()
    assert await asyncio.wait_for(asking, 30) == 7
    await session.close()


async def test_a_kept_folder_is_taken_up_again_by_the_next_start(folder: Path) -> None:
    async with EmbeddedBackend(data_folder=folder) as first:
        await make_topic(first.kafka_bootstrap, "kept")
        await produce(first.kafka_bootstrap, "kept", b"kept")
        await query(first.sender_database_url, "CREATE TABLE kept AS SELECT 7 AS number")

    async with EmbeddedBackend(data_folder=folder) as second:
        assert await consume(second.kafka_bootstrap, "kept", 1) == [b"kept"]
        assert await query(second.sender_database_url, "SELECT number FROM kept") == 7


async def test_a_temporary_folder_is_gone_when_the_backend_has_stopped() -> None:
    async with EmbeddedBackend() as backend:
        used = backend.postgres.process.log_path.parent.parent
        assert (used / "postgres" / "PG_VERSION").exists()

    assert not used.exists()


async def test_a_failed_start_leaves_nothing_running_and_shows_the_end_of_the_log() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        backend = EmbeddedBackend(postgres_port=taken.getsockname()[1])
        with pytest.raises(StartError, match="PostgreSQL ended with code 1") as failure:
            await backend.start()

    assert "could not bind IPv4 address" in str(failure.value)
    log_path = backend.postgres.process.log_path
    assert log_path.exists()
    shutil.rmtree(log_path.parent.parent)  # a failed start leaves its logs, and nothing else, to be looked at
    assert not backend.postgres.process.alive
    assert not any(node.alive for node in backend.kafka.nodes)


async def test_with_three_nodes_every_record_is_on_two_more_than_one_before_it_is_acknowledged() -> None:
    async with EmbeddedBackend(kafka_nodes=3) as backend:
        settings = KafkaSettings(kafka_bootstrap=backend.kafka_bootstrap, replication_factor=3)
        await make_topics(settings)
        await check_topics(settings)
        await produce(backend.kafka_bootstrap, PARKED_MESSAGES, b"x" * (2 * MEGABYTE))

        await backend.kill_kafka(0)  # a majority of two remains: what was acknowledged is there, and more can be

        await produce(backend.kafka_bootstrap, PARKED_MESSAGES, b"after")
        values = await consume(backend.kafka_bootstrap, PARKED_MESSAGES, 2)
        assert [len(value) for value in values] == [2 * MEGABYTE, 5]

        await backend.start_kafka(0)
        assert all(node.alive for node in backend.kafka.nodes)
