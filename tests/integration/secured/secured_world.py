"""All services on the secured broker and Postgres, each with a login of its own."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from secured_kafka import SecuredKafka
from secured_postgres import SecuredPostgres

from harness.machine.ports import free_ports, release_ports
from harness.processes.run_all import run_all
from harness.sandbox.client import SandboxClient
from harness.stack.environment import MODULES, StackContext, sandbox_environment, service_environment
from harness.stack.kafka_address import unsecured
from harness.stack.make_tables import make_tables
from harness.stack.service import Service
from harness.stack.shared_secrets import shared_secrets
from shared.kafka_connection import KafkaConnection, Login, Tls
from shared.settings import KafkaSettings

_COMMAND_SECONDS = 60.0
OURS = ("inbound", "optout", "api", "sender")


@dataclass(frozen=True)
class Addresses:
    """Where the databases are, as `harness.stack.backend.Backend` says it."""

    kafka_bootstrap: str
    optout_database_url: str
    optout_pipeline_url: str
    optout_api_url: str
    optout_links_url: str
    sender_database_url: str


@dataclass
class Deployment:
    """The running services; `admin_token` makes accounts."""

    kafka: SecuredKafka
    admin_token: str
    services: dict[str, Service] = field(default_factory=dict)

    def connection(self, user: str) -> KafkaConnection:
        """Return how a client of ours logs in as `user`."""
        settings = self.kafka.settings(user)
        login = Login("SCRAM-SHA-512", user, settings["STOPLINE_KAFKA_SASL_PASSWORD"])
        return KafkaConnection(self.kafka.logins, login, Tls(self.kafka.authority.certificate))

    def url(self, service: str) -> str:
        return self.services[service].url

    def sandbox(self) -> SandboxClient:
        return SandboxClient(self.url("sandbox"))


@asynccontextmanager
async def deployed(kafka: SecuredKafka, postgres: SecuredPostgres, folder: Path) -> AsyncIterator[Deployment]:
    """Start all services and wait until they are ready."""
    addresses = Addresses(
        kafka.logins,
        *(postgres.url(role) for role in ("optout", "optout_pipeline", "optout_api", "optout_links", "sender")),
    )
    secrets = shared_secrets(folder / "secrets.json")
    ports = dict(zip(("sandbox", *OURS), free_ports(len(OURS) + 1), strict=True))
    around = StackContext(
        addresses,
        KafkaSettings(**unsecured(kafka.logins), partitions=2),
        secrets,
        inbound_url=f"http://127.0.0.1:{ports['inbound']}",
        sandbox_url=f"http://127.0.0.1:{ports['sandbox']}",
    )
    running = Deployment(kafka, secrets.admin_token)
    for name, port in ports.items():
        if name == "sandbox":
            environment = sandbox_environment(secrets, port)
        else:
            environment = service_environment(name, around, port, folder / f"{name}-cache") | kafka.settings(name)
        running.services[name] = Service(name, MODULES[name], port, environment, folder / "logs" / f"{name}.log")
    try:
        await make_tables(addresses)
        await run_all(*(service.start() for service in running.services.values()))
        yield running
    finally:
        await run_all(*(service.kill() for service in running.services.values() if service.started))
        release_ports([*ports.values()])


def stopline(settings: dict[str, str], *arguments: str, code: int = 0) -> str:
    """Run the command line with these settings and no others; return what it writes."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STOPLINE_")}
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", *arguments],
        env={**environment, "STOPLINE_PARTITIONS": "2", **settings},
        capture_output=True, text=True, timeout=_COMMAND_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr
