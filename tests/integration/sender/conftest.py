"""Fixtures: real Kafka, Postgres and sandbox carrier; a sender process; a stand-in for the opt-out service."""

import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sender_world import Kafka, OptOutStandIn, World

from harness.machine.ports import free_ports, release_ports
from harness.sandbox.client import SandboxClient
from harness.stack.embedded import EmbeddedBackend
from harness.stack.environment import StackContext, sandbox_environment, service_environment
from harness.stack.service import Service
from harness.stack.shared_secrets import SharedSecrets
from services.sender.prepare import MIGRATIONS
from services.sender.settings import sender_database
from shared.migrations import migrate
from shared.postgres import Pool, open_pool
from shared.settings import KafkaSettings
from shared.topics import create_topics

PARTITIONS = 3
LOG_LINES = 60
"""Of each sender, below a test that failed."""
SECRETS = SharedSecrets("key", "admin", "carrier-token")

LIMITS = {"generic": {"short_code": {"per_second": 20}, "toll_free": {"per_day": 5}}}
"""Of types of numbers that only the tests of limits send from."""
NewSender = Callable[[int], Service]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the senders' logs below a failure: they are gone with the session."""
    report = yield
    world = getattr(item, "funcargs", {}).get("world")
    if report.when == "call" and report.failed and world is not None:
        for service in (world.sender, world.second_sender):
            if service.started:
                report.sections.append((f"the log of {service.name}", service.process.log_tail(LOG_LINES)))
    return report


@pytest.fixture(scope="session")
async def backend() -> AsyncIterator[EmbeddedBackend]:
    async with EmbeddedBackend(durable=False, say=lambda _: None) as running:
        yield running


@pytest.fixture(scope="session")
async def kafka_settings(backend: EmbeddedBackend) -> KafkaSettings:
    settings = KafkaSettings(kafka_bootstrap=backend.kafka_bootstrap, partitions=PARTITIONS)
    await create_topics(settings)
    return settings


@pytest.fixture(scope="session")
async def pool(backend: EmbeddedBackend) -> AsyncIterator[Pool]:
    opened = await open_pool(sender_database(backend.sender_database_url), 5)
    async with opened.acquire() as connection:
        await migrate(connection, MIGRATIONS)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
async def opt_out(kafka_settings: KafkaSettings) -> AsyncIterator[OptOutStandIn]:
    stand_in = OptOutStandIn(kafka_settings)
    await stand_in.start()
    yield stand_in
    await stand_in.stop()


@pytest.fixture(scope="session")
async def kafka(kafka_settings: KafkaSettings) -> AsyncIterator[Kafka]:
    async with Kafka(kafka_settings).running() as running:
        yield running


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="stopline-sender-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="session")
async def sandbox_service(folder: Path) -> AsyncIterator[Service]:
    (port,) = free_ports(1)
    service = Service(
        "sandbox", "harness.sandbox", port, sandbox_environment(SECRETS, port), folder / "logs" / "sandbox.log"
    )
    await service.start()
    yield service
    await service.kill()
    release_ports([port])


@pytest.fixture(scope="session")
def new_sender(
    backend: EmbeddedBackend, kafka_settings: KafkaSettings, sandbox_service: Service, folder: Path
) -> Iterator[NewSender]:
    ports = free_ports(2)

    def make(instance: int) -> Service:
        name = f"sender-{instance}"
        around = StackContext(backend, kafka_settings, SECRETS, "http://127.0.0.1:1", sandbox_service.url)
        environment = service_environment("sender", around, ports[instance], folder / f"{name}-cache")
        quick = {
            "STOPLINE_CALL_SECONDS": "5",
            "STOPLINE_SESSION_TIMEOUT_SECONDS": "6",
            "STOPLINE_SILENCE_SECONDS": "0",  # the stand-in says something only where messages come
            "STOPLINE_BATCH_RECORDS": "100",  # several batches from few messages
            "STOPLINE_CARRIER_LIMITS": json.dumps(LIMITS),
        }
        return Service(name, "services.sender", ports[instance], environment | quick, folder / "logs" / f"{name}.log")

    yield make
    release_ports(ports)


@pytest.fixture(scope="session")
async def only_sender(new_sender: NewSender, opt_out: OptOutStandIn) -> AsyncIterator[Service]:
    assert opt_out.answers.is_set()
    service = new_sender(0)
    await service.start()
    yield service
    await service.kill()


@pytest.fixture
async def world(  # noqa: PLR0913, PLR0917 (all that there is)
    kafka: Kafka,
    backend: EmbeddedBackend,
    opt_out: OptOutStandIn,
    only_sender: Service,
    second_sender: Service,
    sandbox_service: Service,
) -> AsyncIterator[World]:
    """A sender that runs without failpoints and a sandbox carrier without faults, before the test and after it."""
    async with SandboxClient(sandbox_service.url) as sandbox:
        await sandbox.set_faults()
        account_id = f"t-{uuid4().hex[:12]}"
        await opt_out.account(account_id)
        yield World(kafka, backend, opt_out, only_sender, second_sender, sandbox_service, sandbox, account_id)
        await sandbox.set_faults()
    await only_sender.resume()
    for service in (sandbox_service, only_sender):
        if not service.process.alive:
            await service.start()


@pytest.fixture
async def second_sender(new_sender: NewSender) -> AsyncIterator[Service]:
    """Another instance, not started."""
    service = new_sender(1)
    yield service
    if service.started:
        await service.stop()


@pytest.fixture
def spare_sender(new_sender: NewSender) -> Service:
    """An instance that is not going to run."""
    return new_sender(1)


@pytest.fixture(scope="session")
def postgres_address(backend: EmbeddedBackend) -> str:
    return backend.sender_database_url.rpartition("@")[2].partition("/")[0]
