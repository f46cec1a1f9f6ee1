"""The parts of a running stack by name: services, `kafka` and `postgres`, each alive or not, each to be started."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from harness.stack.backend import Backend
from harness.stack.service import Service


@dataclass(frozen=True)
class Part:
    """A process, or a container; `start` returns when it runs, which may be before it is ready."""

    name: str
    is_alive: Callable[[], bool]
    start: Callable[[], Awaitable[None]]
    returncode: Callable[[], int | None] = lambda: None


def parts(services: Mapping[str, Service], backend: Backend) -> dict[str, Part]:
    """Return all parts, those that others need first. Of several nodes of Kafka, the first counts."""
    servers = {
        "kafka": Part("kafka", backend.kafka_alive, backend.start_kafka),
        "postgres": Part("postgres", backend.postgres_alive, backend.start_postgres),
    }
    return servers | {name: _part(service) for name, service in services.items()}


def _part(service: Service) -> Part:
    return Part(
        service.name,
        lambda: service.alive,
        partial(service.start, wait=False),
        lambda: service.process.returncode,
    )
