"""The parts of a running stack by name: services, `kafka` and `postgres`, and the commands that each obeys."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from harness.processes import HarnessError
from harness.stack.backend import Backend
from harness.stack.service import Service

PartAction = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Part:
    """A process, or a container; `start` returns when it runs, which may be before it is ready.

    `actions` are its commands but for `restart`; each returns when it is done: what was started is ready.
    """

    name: str
    is_alive: Callable[[], bool]
    start: PartAction
    returncode: Callable[[], int | None] = lambda: None
    actions: Mapping[str, PartAction] = field(default_factory=dict)

    async def do(self, command: str) -> None:
        """Do `command`: stop, start, kill, pause, resume or restart.

        Raises:
            HarnessError: there is no such command, or it cannot be done.
        """
        if command == "restart":
            await self.actions["stop"]()
            await self.actions["start"]()
        elif command in self.actions:
            await self.actions[command]()
        else:
            raise HarnessError(f"there is no command {command!r}; there are {', '.join([*self.actions, 'restart'])}")


def parts(services: Mapping[str, Service], backend: Backend) -> dict[str, Part]:
    """Return all parts, those that others need first. Of several nodes of Kafka, the first counts."""
    return {
        "kafka": Part(
            "kafka",
            backend.kafka_alive,
            backend.start_kafka,
            actions={
                "stop": backend.kill_kafka,
                "start": backend.start_kafka,
                "kill": backend.kill_kafka,
                "pause": backend.pause_kafka,
                "resume": backend.resume_kafka,
            },
        ),
        "postgres": Part(
            "postgres",
            backend.postgres_alive,
            backend.start_postgres,
            actions={
                "stop": backend.kill_postgres,
                "start": backend.start_postgres,
                "kill": backend.kill_postgres,
                "pause": backend.pause_postgres,
                "resume": backend.resume_postgres,
            },
        ),
        **{name: _part(service) for name, service in services.items()},
    }


def _part(service: Service) -> Part:
    return Part(
        service.name,
        lambda: service.alive,
        partial(service.start, wait=False),
        lambda: service.process.returncode,
        {
            "stop": service.stop,
            "start": service.start,
            "kill": service.kill,
            "pause": service.pause,
            "resume": service.resume,
        },
    )
