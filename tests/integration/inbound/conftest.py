"""One real Kafka for this folder, one inbound service for most tests, and one of its own for those that break it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from inbound_world import AUTH_TOKEN, PARTITIONS, SIGNED_ACCOUNT, WEBHOOK_KEY, Gateway

from harness.machine.ports import free_ports, release_ports
from harness.stack.embedded import EmbeddedBackend
from harness.stack.service import Service
from shared.settings import KafkaSettings
from shared.topics import create_topics


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def backend() -> AsyncIterator[EmbeddedBackend]:
    async with EmbeddedBackend(durable=False) as backend:
        await create_topics(KafkaSettings(kafka_bootstrap=backend.kafka_bootstrap, partitions=PARTITIONS))
        yield backend


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def running(backend: EmbeddedBackend, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async for service in _service(backend.kafka_bootstrap, tmp_path_factory.mktemp("inbound")):
        await service.start()
        yield service


@pytest_asyncio.fixture(loop_scope="session")
async def service(backend: EmbeddedBackend, tmp_path: Path) -> AsyncIterator[Service]:
    """A service that the test starts, kills and leaves as it likes."""
    async for service in _service(backend.kafka_bootstrap, tmp_path):
        yield service


@pytest_asyncio.fixture(loop_scope="session")
async def gateway(running: Service, backend: EmbeddedBackend) -> Gateway:
    return Gateway(running.url, backend.kafka_bootstrap, f"t-{uuid4().hex[:12]}")


@pytest_asyncio.fixture(loop_scope="session")
async def its_gateway(service: Service, backend: EmbeddedBackend) -> Gateway:
    """The gateway of `service`."""
    return Gateway(service.url, backend.kafka_bootstrap, f"t-{uuid4().hex[:12]}")


async def _service(bootstrap: str, folder: Path) -> AsyncIterator[Service]:
    ports = free_ports(1)
    environment = {
        "STOPLINE_HTTP_PORT": str(ports[0]),
        "STOPLINE_KAFKA_BOOTSTRAP": bootstrap,
        "STOPLINE_PARTITIONS": str(PARTITIONS),
        "STOPLINE_WEBHOOK_KEY": WEBHOOK_KEY,
        "STOPLINE_GATEWAY_SECRETS": json.dumps({SIGNED_ACCOUNT: {"twilio": {"auth_token": AUTH_TOKEN}}}),
    }
    service = Service("inbound", "services.inbound", ports[0], environment, folder / "inbound.log")
    try:
        yield service
    finally:
        if service.started:
            await service.stop()
        release_ports(ports)


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STOPLINE_PARTITIONS", "STOPLINE_REPLICATION_FACTOR"):
        monkeypatch.delenv(name, raising=False)
