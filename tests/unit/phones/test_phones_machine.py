"""The states of the parts are the stack's own: a page that has just started knows what was frozen before."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from harness.daemon.control_socket import serve
from harness.phones.machine import Machine


class StackWithAFrozenKafka:
    """A background stack whose Kafka is frozen and whose Postgres is dead, until they are started."""

    def __init__(self) -> None:
        self.down = {"kafka": "frozen on purpose", "postgres": "stopped on purpose"}

    async def control(self, command: str, name: str) -> None:
        assert command in ("start", "resume")
        del self.down[name]

    async def repair(self) -> list[str]:
        return []

    def states(self) -> dict[str, str]:
        return self.down

    def frozen(self) -> list[str]:
        return [name for name, why in self.down.items() if why.startswith("frozen")]


@pytest_asyncio.fixture(loop_scope="session")
async def control_socket(tmp_path: Path) -> AsyncIterator[Path]:
    path = tmp_path / "control.sock"
    server = await serve(path, StackWithAFrozenKafka())
    yield path
    server.close()


async def test_what_is_frozen_and_what_is_dead_is_read_from_the_stack(control_socket: Path) -> None:
    shown: list[dict[str, Any]] = []
    machine = Machine(control_socket, {}, shown.append, lambda *_: None)
    await machine._look()
    states = {part["name"]: part["state"] for part in shown[-1]["parts"]}
    assert (states["kafka"], states["postgres"], states["sender"]) == ("frozen", "dead", "running")
    machine.command("kafka", "resume")
    for task in list(machine._commands):
        await task
    assert {part["name"]: part["state"] for part in shown[-1]["parts"]}["kafka"] == "running"
