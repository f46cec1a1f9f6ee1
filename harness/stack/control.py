"""Commands to the parts of a running stack, by name."""

from collections.abc import Awaitable, Callable, Mapping

from harness.processes import HarnessError
from harness.stack.backend import Backend
from harness.stack.service import Service

Actions = dict[str, Callable[[], Awaitable[None]]]


async def control(services: Mapping[str, Service], backend: Backend, command: str, name: str) -> None:
    """Do `command` (stop, start, kill, pause, resume, restart) to a service, `kafka` or `postgres`.

    Returns when it is done: what was started is ready.

    Raises:
        HarnessError: there is no such part or command, or it cannot be done.
    """
    if name not in {*services, "kafka", "postgres"}:
        raise HarnessError(f"there is no {name!r}; there are {', '.join([*services, 'kafka', 'postgres'])}")
    if command == "restart":
        await control(services, backend, "stop", name)
        await control(services, backend, "start", name)
    elif name in services:
        await _control_service(services[name], command)
    else:
        await _control_server(backend, command, name)


async def _control_service(service: Service, command: str) -> None:
    actions: Actions = {
        "stop": service.stop,
        "start": service.start,
        "kill": service.kill,
        "pause": service.pause,
        "resume": service.resume,
    }
    if command not in actions:
        raise _unknown(command)
    await actions[command]()


async def _control_server(backend: Backend, command: str, name: str) -> None:
    kafka: Actions = {
        "stop": backend.kill_kafka,
        "start": backend.start_kafka,
        "kill": backend.kill_kafka,
        "pause": backend.pause_kafka,
        "resume": backend.resume_kafka,
    }
    postgres: Actions = {
        "stop": backend.kill_postgres,
        "start": backend.start_postgres,
        "kill": backend.kill_postgres,
        "pause": backend.pause_postgres,
        "resume": backend.resume_postgres,
    }
    actions = kafka if name == "kafka" else postgres
    if command not in actions:
        raise _unknown(command)
    await actions[command]()


def _unknown(command: str) -> HarnessError:
    return HarnessError(f"there is no command {command!r}; there are stop, start, kill, pause, resume, restart")
