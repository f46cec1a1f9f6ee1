"""The whole system on one machine: Kafka and Postgres, the services, the sandbox carrier with its phones."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from harness.account import Account
from harness.machine.ports import free_ports, release_ports
from harness.processes import HarnessError
from harness.processes.run_all import run_all
from harness.say import Say
from harness.stack.backend import Backend
from harness.stack.choose import BackendOptions, choose_backend
from harness.stack.data_folder import DataFolder
from harness.stack.endpoints import Endpoints
from harness.stack.environment import (
    MODULES,
    StackContext,
    phones_environment,
    sandbox_environment,
    service_environment,
)
from harness.stack.external import ExternalBackend
from harness.stack.kafka_address import as_environment, unsecured
from harness.stack.make_tables import make_tables
from harness.stack.make_topics import make_topics
from harness.stack.parts import Part, parts
from harness.stack.service import Service
from harness.stack.shared_secrets import SharedSecrets, shared_secrets
from shared.settings import KafkaSettings

USUAL_PORTS = {
    "kafka": 9092,
    "postgres": 5432,
    "inbound": 8081,
    "api": 8082,
    "sender": 8083,
    "sandbox": 8084,
    "optout": 8085,
    "links": 8086,
    "poll": 8087,
    "dashboard": 8090,
    "phones": 8089,
    "inbound-metrics": 9181,
    "api-metrics": 9182,
    "sender-metrics": 9183,
    "optout-metrics": 9185,
    "links-metrics": 9186,
    "poll-metrics": 9187,
    "dashboard-metrics": 9190,
}
SERVER_NAMES = ("kafka", "postgres")
OURS = ("inbound", "optout", "api", "sender")
LINKS = "links"
"""The pages of opt-out links: where nobody opens one, the process need not run."""
POLL = "poll"
"""What asks the sandbox's API for replies: where all webhooks come, it need not run."""
DASHBOARD = "dashboard"
"""The pages for people: tests of the other parts do without."""
PHONES = "phones"
"""The page of simulated phones, of background stacks."""
_REPLICAS = 3


class Stack:
    """An async context manager: the stack runs inside it, and nothing of it is left running afterwards.

    Args:
        backend: embedded, containers or external; None: see `choose_backend`.
        data_dir: kept, and used again by the next start; None: a temporary folder, removed at the end.
        ports: of each part, as `USUAL_PORTS` names them; None: free ones.
        kafka_nodes: 1, or 3.
        partitions: of every topic that is placed by phone; those of the environment, else 6.
        durable, quick_start: see `EmbeddedBackend`.
        links: whether the pages of opt-out links run, too.
        poll: whether replies are read at the sandbox, too.
        dashboard: whether the dashboard runs, too.
        service_env: settings for all services, such as STOPLINE_LOG_LEVEL.
        say: called with a line for each step that takes long.

    Attributes:
        services: `inbound`, `optout`, `api`, `sender` and `sandbox`, and what `add_service` added.
    """

    def __init__(  # noqa: PLR0913 (each is a choice of the caller with a default)
        self,
        *,
        backend: str | None = None,
        data_dir: Path | None = None,
        ports: Mapping[str, int] | None = None,
        kafka_nodes: int = 1,
        partitions: int | None = None,
        durable: bool = True,
        quick_start: bool = True,
        links: bool = False,
        poll: bool = False,
        dashboard: bool = False,
        service_env: Mapping[str, str] | None = None,
        say: Say = print,
    ) -> None:
        self.services: dict[str, Service] = {}
        self._backend_name = backend
        self._given_ports = ports
        also = {LINKS: links, POLL: poll, DASHBOARD: dashboard}
        self._ours = (*OURS, *(name for name, is_wanted in also.items() if is_wanted))
        self._partitions = partitions
        self._service_env = dict(service_env or {})
        self._say = say
        self._folder = DataFolder(data_dir)
        self._ports: dict[str, int] = {}
        self._backend: Backend | None = None
        self._secrets: SharedSecrets | None = None
        self._durable = durable
        self._quick_start = quick_start
        self._options: BackendOptions = {
            "data_folder": data_dir,
            "kafka_nodes": kafka_nodes,
            "kafka_port": ports["kafka"] if ports else None,
            "postgres_port": ports["postgres"] if ports else None,
            "say": say,
        }

    @property
    def backend(self) -> Backend:
        if self._backend is None:
            raise HarnessError("the stack was not started")
        return self._backend

    @property
    def secrets(self) -> SharedSecrets:
        if self._secrets is None:
            raise HarnessError("the stack was not started")
        return self._secrets

    async def start(self) -> None:
        """Start everything and wait until all of it is ready.

        Raises:
            HarnessError: something is missing or did not start; the text has the fix. Nothing is left running.
        """
        try:
            self._folder.open()
            await self._start()
        except BaseException:
            await self.stop(keep_logs=True)
            raise

    async def _start(self) -> None:
        self._secrets = shared_secrets(self._folder.path / "secrets.json")
        backend = choose_backend(
            self._backend_name, self._options, durable=self._durable, quick_start=self._quick_start
        )
        self._choose_ports()
        self._backend = backend
        self._say("starting Kafka and Postgres")
        self._add("sandbox", sandbox_environment(self.secrets, self._ports["sandbox"]))
        await run_all(self._start_backend(), self.services["sandbox"].start())
        self._say("starting the services")
        for name in self._ours:
            self._add(name, self._environment(name, name, self._ports[name]))
        await run_all(*(self.services[name].start() for name in self._ours))

    def _choose_ports(self) -> None:
        names = [name for name in USUAL_PORTS if name not in SERVER_NAMES]
        if self._given_ports is not None:
            self._ports = {name: self._given_ports[name] for name in names}
        else:
            self._ports = dict(zip(names, free_ports(len(names)), strict=True))

    async def _start_backend(self) -> None:
        await self.backend.start()
        await run_all(make_topics(self.kafka_settings()), make_tables(self.backend))

    def kafka_settings(self) -> KafkaSettings:
        """Return the services' settings of Kafka; the environment decides what the caller left open."""
        address = self.backend.kafka_bootstrap
        theirs = isinstance(self.backend, ExternalBackend)
        chosen: dict[str, Any] = {"kafka_bootstrap": address} if theirs else unsecured(address)
        if self._partitions is not None:
            chosen["partitions"] = self._partitions
        if self.backend.kafka_nodes >= _REPLICAS:
            chosen["replication_factor"] = _REPLICAS
        return KafkaSettings(**chosen)

    def _context(self) -> StackContext:
        return StackContext(
            self.backend,
            self.kafka_settings(),
            self.secrets,
            inbound_url=f"http://127.0.0.1:{self._ports['inbound']}",
            sandbox_url=f"http://127.0.0.1:{self._ports['sandbox']}",
            links_url=f"http://127.0.0.1:{self._ports['links']}",
            watched={each: f"http://127.0.0.1:{self._ports[each]}" for each in self._ours if each != DASHBOARD},
            api_url=f"http://127.0.0.1:{self._ports['api']}",
            dashboard_url=f"http://127.0.0.1:{self._ports[DASHBOARD]}" if DASHBOARD in self._ours else "",
        )

    def _environment(self, service: str, name: str, port: int) -> dict[str, str]:
        context = self._context()
        cache_folder = self._folder.path / f"{name}-cache"
        metrics_port = self._ports.get(f"{name}-metrics")
        metrics = {"STOPLINE_METRICS_PORT": str(metrics_port)} if metrics_port else {}
        return service_environment(service, context, port, cache_folder) | metrics | self._service_env

    def _add(self, name: str, environment: dict[str, str]) -> Service:
        module = MODULES[name.partition("-")[0]]
        log_path = self._folder.logs / f"{name}.log"
        self.services[name] = Service(name, module, self._ports[name], environment, log_path)
        return self.services[name]

    async def add_phones(self, account: Account, control_socket: Path | None = None) -> Service:
        """Start the page of phones, which acts as `account`; with a control socket it can kill and freeze parts."""
        health = {name: self.services[name].url for name in OURS}
        environment = phones_environment(account, self._context(), self._ports[PHONES], health)
        if control_socket is not None:
            environment["STOPLINE_PHONES_CONTROL_SOCKET"] = str(control_socket)
        added = self._add(PHONES, environment)
        await added.start()
        return added

    async def add_service(
        self,
        service: str,
        instance: int = 2,
        *,
        failpoint: str | None = None,
        extra_env: Mapping[str, str] | None = None,
        wait: bool = True,
    ) -> Service:
        """Start one more instance of a service, called `optout-2` and so on, and return it."""
        name = f"{service}-{instance}"
        if name in self.services:
            raise HarnessError(f"{name} is already part of the stack")
        self._ports[name] = free_ports(1)[0]
        added = self._add(name, {**self._environment(service, name, self._ports[name]), **(extra_env or {})})
        await added.start(failpoint, wait=wait)
        return added

    def parts(self) -> dict[str, Part]:
        """Return every part by its name."""
        return parts(self.services, self.backend)

    async def control(self, command: str, service: str) -> None:
        """Do `command` to the part called `service`; see `Part.do`.

        Raises:
            HarnessError: there is no such part or command, or it cannot be done.
        """
        part = self.parts().get(service)
        if part is None:
            raise HarnessError(f"there is no {service!r}; there are {', '.join([*self.services, *SERVER_NAMES])}")
        await part.do(command)

    def endpoints(self) -> Endpoints:
        """Return the addresses of all parts, as `stopline status --json` shows them."""
        return Endpoints(
            kafka_bootstrap=self.backend.kafka_bootstrap,
            kafka_settings=as_environment(self.kafka_settings()),
            services={name: service.url for name, service in self.services.items()},
            metrics={name: self.services[name].metrics_url for name in self._ours},
            inbound_url=self.services["inbound"].url,
            api_url=self.services["api"].url,
            sender_url=self.services["sender"].url,
            sandbox_url=self.services["sandbox"].url,
            links_url=f"http://127.0.0.1:{self._ports[LINKS]}",
            dashboard_url=f"http://127.0.0.1:{self._ports[DASHBOARD]}" if DASHBOARD in self.services else None,
            phones_url=self.services[PHONES].url if PHONES in self.services else None,
            optout_database_url=self.backend.optout_database_url,
            sender_database_url=self.backend.sender_database_url,
            admin_token=self.secrets.admin_token,
            logs=str(self._folder.logs),
        )

    async def stop(self, *, keep_logs: bool = False) -> None:
        """Stop everything: cleanly where the data are kept, else at once."""
        started = [service for service in self.services.values() if service.started]
        await run_all(*(service.stop() if self._folder.kept else service.kill() for service in started))
        if self._backend is not None:
            await self._backend.stop()
        release_ports([*self._ports.values()])
        self._folder.close(keep_logs=keep_logs)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.shield(self.stop())
