"""What `stopline partitions change` refuses before it changes anything, asked of the real Kafka and Postgres."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from harness.partitions import still_running
from harness.partitions.change import StoppedDeployment, change_partitions
from harness.partitions.grown_topics import partition_counts
from harness.stack.embedded import EmbeddedBackend
from services.sender.prepare import MIGRATIONS
from shared.errors import MisconfiguredError, TransientError
from shared.migrations import migrate
from shared.settings import KafkaSettings

pytestmark = pytest.mark.timeout(180)

MORE = 8


@pytest_asyncio.fixture(loop_scope="session")
async def deployment(backend: EmbeddedBackend) -> AsyncIterator[StoppedDeployment]:
    settings = KafkaSettings(kafka_bootstrap=backend.kafka_bootstrap, partitions=MORE)
    optout = await asyncpg.connect(backend.optout_pipeline_url)
    sender = await asyncpg.connect(backend.sender_database_url)
    await migrate(sender, MIGRATIONS)
    yield StoppedDeployment(settings, "no-group", optout, sender, 1.0, lambda _: None)
    await sender.close()
    await optout.close()


async def refusal(deployment: StoppedDeployment) -> str:
    """Return why it is refused; the topics have as many partitions then as before."""
    before = await partition_counts(deployment.settings)
    with pytest.raises(MisconfiguredError) as refused:
        await change_partitions(deployment)
    assert await partition_counts(deployment.settings) == before
    return str(refused.value)


async def test_a_session_of_another_role_counts_though_nothing_of_it_is_shown_to_ours(
    backend: EmbeddedBackend, deployment: StoppedDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(still_running, "_GONE_SECONDS", 0.2)
    monkeypatch.setattr(still_running, "_LOOK_SECONDS", 0.1)
    api = await asyncpg.connect(backend.optout_api_url)
    try:
        with pytest.raises(TransientError, match=rf"a session of optout_api \(process {api.get_server_pid()}\)"):
            await still_running._wait_until_gone((deployment.optout, deployment.sender))
    finally:
        await api.close()


async def test_a_forgotten_number_of_copies_is_found_before_suppressions_is_made_with_it(
    deployment: StoppedDeployment,
) -> None:
    settings = deployment.settings.model_copy(update={"replication_factor": 3})
    found = await refusal(StoppedDeployment(settings, "no-group", deployment.optout, deployment.sender, 1.0, print))
    assert "topic suppressions: min.insync.replicas is 1, must be 2" in found
    assert "STOPLINE_REPLICATION_FACTOR (3)" in found


@pytest.mark.parametrize("column", ["inbound_topic", "delivery_topic"])
async def test_databases_of_another_cluster_are_not_changed(deployment: StoppedDeployment, column: str) -> None:
    transaction = deployment.optout.transaction()
    await transaction.start()
    try:
        await deployment.optout.execute("DELETE FROM partition_positions")
        await deployment.optout.execute(
            f"INSERT INTO partition_positions (partition, {column}) VALUES (0, 'staging/topic/3')"
        )
        assert "another deployment's" in await refusal(deployment)
    finally:
        await transaction.rollback()
    await deployment.sender.execute(
        "INSERT INTO topics (name, identity) VALUES ('outbound-messages', 'staging/topic/3')"
    )
    try:
        assert "STOPLINE_SENDER_DATABASE_URL" in await refusal(deployment)
    finally:
        await deployment.sender.execute("DELETE FROM topics")
