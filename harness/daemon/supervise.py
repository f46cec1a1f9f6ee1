"""Keeps the parts of a background stack running, as `restart: unless-stopped` does in Docker Compose."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from harness.processes import HarnessError
from harness.say import Say
from harness.stack.parts import Part

_LOOK_SECONDS = 0.5
_PAUSES_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
_STEADY_SECONDS = 60.0
"""Once a part has run for this long, its earlier ends no longer count."""
_ENDING = ("stop", "kill")


class Supervised(Protocol):
    """A stack: its parts, and the commands that they take."""

    def parts(self) -> dict[str, Part]: ...

    async def control(self, command: str, service: str) -> None: ...


@dataclass(slots=True)
class Care:
    """The supervisor's notes on a part; `ends` counts its ends since it last ran steadily."""

    is_stopped: bool = False
    is_frozen: bool = False
    ends: int = 0
    alive_since: float = 0.0
    next_start: float = 0.0
    trouble: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Supervisor:
    """A supervisor: it restarts parts that end by themselves, after growing pauses, but not those stopped on purpose.

    Args:
        stack: whose parts it keeps.
        say: gets a line for each end and each start.
        seconds: a clock.
    """

    def __init__(self, stack: Supervised, say: Say, seconds: Callable[[], float] = time.monotonic) -> None:
        self._stack = stack
        self._say = say
        self._seconds = seconds
        self._cares: dict[str, Care] = {}

    async def watch(self) -> None:
        """Look after every part until cancelled, each in a task of its own: Kafka's slow start delays no other part."""
        async with asyncio.TaskGroup() as group:
            for name, part in self._stack.parts().items():
                group.create_task(self._keep(part, self._care(name)), name=f"keeping {name}")

    async def control(self, command: str, name: str) -> None:
        """Apply a command to a part: after `stop` or `kill` it stays stopped until it is started again.

        `start` thaws a part that was frozen.
        """
        if name not in self._stack.parts():
            raise HarnessError(f"there is no {name!r}; there are {', '.join(self._stack.parts())}")
        care = self._care(name)
        async with care.lock:
            if command == "start" and self._stack.parts()[name].is_alive():
                if not care.is_frozen:
                    return
                command = "resume"
            care.is_stopped = command in _ENDING
            if command in ("start", "restart"):
                care.ends, care.trouble = 0, ""
            await self._stack.control(command, name)
            care.is_frozen = command == "pause"

    async def repair(self) -> list[str]:
        """Start every part that does not run, even if it was stopped or frozen on purpose.

        Returns:
            their names, in starting order.

        Raises:
            HarnessError: some did not start; the others were started all the same.
        """
        down = list(self.states())
        errors = []
        for name in down:
            self._say(f"starting {name}")
            try:
                await self.control("start", name)
            except HarnessError as error:
                errors.append(str(error))
        if errors:
            raise HarnessError("; ".join(errors))
        return down

    def states(self) -> Mapping[str, str]:
        """Return a text for each part that does not run: why, and what happens next."""
        dead = {name: self._state(name) for name, part in self._stack.parts().items() if not part.is_alive()}
        frozen = dict.fromkeys(self.frozen(), "frozen on purpose; `stopline up` thaws it")
        return {name: text for name in self._stack.parts() if (text := dead.get(name) or frozen.get(name))}

    def frozen(self) -> list[str]:
        """Return the parts that were frozen, and are."""
        return [name for name, part in self._stack.parts().items() if self._care(name).is_frozen and part.is_alive()]

    def _care(self, name: str) -> Care:
        return self._cares.setdefault(name, Care())

    def _state(self, name: str) -> str:
        care = self._care(name)
        if care.is_stopped:
            return f"stopped on purpose; `stopline start {name}` starts it"
        wait = max(care.next_start - self._seconds(), 0)
        return f"{care.trouble or 'ended'}; it is started again in {wait:.0f} s; see `stopline logs {name}`"

    async def _keep(self, part: Part, care: Care) -> None:
        care.alive_since = self._seconds()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            async with care.lock:
                if part.is_alive():
                    self._note_steady(care)
                elif not care.is_stopped:
                    await self._bring_back(part, care)

    def _note_steady(self, care: Care) -> None:
        care.next_start = 0.0
        if care.ends and self._seconds() - care.alive_since >= _STEADY_SECONDS:
            care.ends, care.trouble = 0, ""

    async def _bring_back(self, part: Part, care: Care) -> None:
        if not care.next_start:
            pause = _PAUSES_SECONDS[min(care.ends, len(_PAUSES_SECONDS) - 1)]
            care.ends += 1
            care.trouble = _ended(part.returncode(), care.ends)
            care.next_start = self._seconds() + pause
            self._say(f"{part.name} {care.trouble}; starting it again in {pause:g} s")
        if self._seconds() < care.next_start:
            return
        care.next_start = 0.0
        care.alive_since = self._seconds()
        care.is_frozen = False
        try:
            await part.start()
        except Exception as error:  # noqa: BLE001 (whatever it was, there is a next attempt; the other parts have tasks of their own)
            self._say(f"{part.name} did not start: {error}")


def _ended(code: int | None, times: int) -> str:
    how = "" if code is None else f" by signal {-code}" if code < 0 else f" with code {code}"
    return f"ended{how}" + (f", {times} times" if times > 1 else "")
