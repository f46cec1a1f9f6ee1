"""The parts of the system: which of them do their work, and on a stack of this machine, killing and freezing them."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from harness.daemon.control_socket import ask
from harness.phones.limits import LOOK_SECONDS, MAX_COMMANDS_AT_ONCE, READY_SECONDS
from shared.errors import TransientError

_log = logging.getLogger(__name__)
_OK = 200
_STATUS_SECONDS = 2.0
PARTS = ("inbound", "optout", "sender", "kafka", "postgres")
COMMANDS = {"kill": "killed", "pause": "frozen", "resume": "thawed", "start": "started"}


class MachineRefusedError(Exception):
    """The command is not given: the text says why."""


class Machine:
    """The parts and their states: `running`, `unready`, `starting`, `dead`, `frozen`, or `silent`: no answer comes.

    Args:
        control_socket: of the background stack; None: nothing can be killed.
        health: addresses of services, by name.
        show: called with what the page shows, whenever it may have changed.
        note: called with a line for the feed.
    """

    def __init__(
        self,
        control_socket: Path | None,
        health: Mapping[str, str],
        show: Callable[[dict[str, Any]], None],
        note: Callable[[str, str], None],
    ) -> None:
        self._control_socket = control_socket
        self._health = health
        self._show = show
        self._note = note
        self._busy: set[str] = set()
        self._states: dict[str, str] = {}
        self._commands: set[asyncio.Task[None]] = set()

    @property
    def names(self) -> list[str]:
        return [name for name in PARTS if name in self._health or self._control_socket is not None]

    def as_json(self) -> dict[str, Any]:
        parts = [
            {"name": name, "state": self._states.get(name, "silent"), "is_busy": name in self._busy}
            for name in self.names
        ]
        return {"parts": parts, "can_be_killed": self._control_socket is not None}

    def command(self, name: str, command: str) -> None:
        """Begin to kill, pause, resume or start a part; what comes of it is shown.

        Raises:
            MachineRefusedError: there is no such part or command, or something is under way.
        """
        if self._control_socket is None:
            raise MachineRefusedError("nothing can be killed here: that takes a stack that `make demo` started")
        if name not in PARTS or command not in COMMANDS:
            raise MachineRefusedError(f"there is no {command!r} of {name!r}; parts are {', '.join(PARTS)}")
        if name in self._busy or len(self._commands) >= MAX_COMMANDS_AT_ONCE:
            raise MachineRefusedError(f"{name} has something under way: wait until it is done")
        self._busy.add(name)
        task = asyncio.create_task(self._do(self._control_socket, name, command), name=f"{command} {name}")
        self._commands.add(task)
        task.add_done_callback(self._commands.discard)

    async def _do(self, control_socket: Path, name: str, command: str) -> None:
        self._show(self.as_json())
        try:
            await ask(control_socket, command, name)
            self._note(command, f"{name} {COMMANDS[command]}")
        except TransientError as error:
            self._note("failed", f"{name} could not be {COMMANDS[command]}: {error}")
        finally:
            self._busy.discard(name)
            await self._look()

    async def watch(self) -> None:
        """Look at all parts, again and again, until cancelled."""
        while True:
            try:
                await self._look()
            except Exception:  # noqa: BLE001 (whatever it was, the next look may be better)
                _log.exception("the parts were not looked at")
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        down, frozen = await self._down()
        timeout = aiohttp.ClientTimeout(total=READY_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            names = self.names
            asked = [name for name in names if name not in down]
            states = await asyncio.gather(*(self._state(http, name) for name in asked))
        self._states = {name: self._state_of_down(name, name in frozen) for name in down} | dict(
            zip(asked, states, strict=True)
        )
        self._show(self.as_json())

    async def _down(self) -> tuple[set[str], set[str]]:
        """Return the parts that do not run, and those among them that are frozen, as the stack itself has it."""
        if self._control_socket is None:
            return set(), set()
        try:
            status = await ask(self._control_socket, "status", seconds=_STATUS_SECONDS)
        except TransientError as error:
            _log.info("the background stack does not answer: %s", error)
            return set(), set()
        return set(status["states"]), set(status.get("frozen", ()))  # of an earlier version: none

    def _state_of_down(self, name: str, is_frozen: bool) -> str:  # noqa: FBT001 (of a private method)
        if is_frozen:
            return "frozen"
        return "starting" if name in self._busy else "dead"

    async def _state(self, http: aiohttp.ClientSession, name: str) -> str:
        if name not in self._health:
            return "running"
        try:
            async with http.get(f"{self._health[name]}/health/ready") as answer:
                return "running" if answer.status == _OK else "unready"
        except (aiohttp.ClientError, TimeoutError, OSError):
            return "silent"
