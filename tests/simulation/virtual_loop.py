"""An event loop without I/O whose clock jumps to the next timer, and the simulated processes that share it.

Every callback belongs to the process in whose context it was scheduled. A process runs its callbacks in their order,
as one event loop does; which process runs next is drawn by the seed. So a process can be killed, or frozen, between any
two of its steps: that is at every `await`.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from heapq import heappop, heappush
from random import Random
from typing import Any

PAST_THE_END = 10_000_000


class SimulatedProcess:
    """A process: its callbacks that are ready, whether it lives, and how far its wall clock is off."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_dead = False
        self.is_frozen = False
        self.clock_is_off_by = 0.0
        self.steps = 0
        self.acts_at = PAST_THE_END
        """The step at which `act` is called: a fault at any place of the code."""
        self.act: Callable[[], None] = lambda: None
        self.ready: deque[_Callback] = deque()
        self.when_dead: list[Callable[[], None]] = []
        self.is_listed = False


OUTSIDE = SimulatedProcess("outside")
process_now: ContextVar[SimulatedProcess] = ContextVar("process_now", default=OUTSIDE)


class _Callback:
    __slots__ = ("arguments", "callback", "context", "is_cancelled")

    def __init__(self, callback: Callable[..., Any], arguments: tuple[Any, ...], context: Context) -> None:
        self.callback = callback
        self.arguments = arguments
        self.context = context
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True
        self.arguments = ()

    def cancelled(self) -> bool:
        return self.is_cancelled


class _Timer(_Callback):
    __slots__ = ("at",)
    at: float

    def when(self) -> float:
        return self.at


class _Task(asyncio.Task[Any]):
    """A task whose place in a set does not depend on where it is in memory."""

    number = 0

    def __hash__(self) -> int:
        return self.number


class VirtualLoop(asyncio.BaseEventLoop):
    """A loop of many processes; `random` draws whose turn it is."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        OUTSIDE.ready.clear()  # of a world before this one
        OUTSIDE.is_listed = False
        self._random = random
        self._now = 0.0
        self._timers: list[tuple[float, int, _Timer]] = []
        self._number = 0
        self._turns: list[SimulatedProcess] = []
        self.tasks: list[_Task] = []
        self.steps = 0

    def time(self) -> float:
        return self._now

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> Any:
        if context is None:
            context = copy_context()
        entry = _Callback(callback, args, context)
        self._enqueue(entry)
        return entry

    call_soon_threadsafe = call_soon

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> Any:
        timer = _Timer(callback, args, copy_context() if context is None else context)
        timer.at = when
        self._number += 1
        heappush(self._timers, (when, self._number, timer))
        return timer

    def call_later(self, delay: float, callback: Any, *args: Any, context: Context | None = None) -> Any:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def _timer_handle_cancelled(self, handle: Any) -> None:
        """Leave it in the heap: it is passed over when its time has come."""

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> Any:
        task = _Task(coro, loop=self, name=name or "task", context=context)
        task.number = len(self.tasks)
        self.tasks.append(task)
        return task

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        """Run it at once: a thread's work has no `await` at which anything could come between."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Say nothing: a process that was killed leaves much unfinished."""

    def _enqueue(self, entry: _Callback) -> None:
        process = entry.context.get(process_now, OUTSIDE)
        process.ready.append(entry)
        if not process.is_listed and not process.is_dead and not process.is_frozen:
            process.is_listed = True
            self._turns.append(process)

    def start(self, process: SimulatedProcess, main: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run `main` as the process."""
        context = copy_context()
        context.run(process_now.set, process)
        task: asyncio.Task[Any] = context.run(self.create_task, main, name=process.name)
        return task

    def kill(self, process: SimulatedProcess) -> None:
        """End a process as `kill -9` does: none of its code runs again, not even a `finally`."""
        process.is_dead = True
        process.ready.clear()
        self._unlist(process)
        for each in process.when_dead:
            each()

    def freeze(self, process: SimulatedProcess) -> None:
        process.is_frozen = True
        self._unlist(process)

    def thaw(self, process: SimulatedProcess) -> None:
        process.is_frozen = False
        if process.ready and not process.is_dead and not process.is_listed:
            process.is_listed = True
            self._turns.append(process)

    def _unlist(self, process: SimulatedProcess) -> None:
        if process.is_listed:
            process.is_listed = False
            self._turns.remove(process)

    def run_while(self, goes_on: Callable[[], bool], until: float) -> None:
        """Run until `goes_on` says no, nothing is left to do, or the clock shows `until`."""
        loop_before = asyncio.events._get_running_loop()
        asyncio.events._set_running_loop(self)
        try:
            while goes_on():
                if self._turns:
                    self._turn()
                elif not self._advance(until):
                    return
        finally:
            asyncio.events._set_running_loop(loop_before)

    def _turn(self) -> None:
        turns = self._turns
        process = turns[0] if len(turns) == 1 else turns[int(self._random.random() * len(turns))]
        entry = process.ready.popleft()
        if not process.ready:
            process.is_listed = False
            turns.remove(process)
        if entry.is_cancelled:
            return
        self.steps += 1
        process.steps += 1
        entry.context.run(entry.callback, *entry.arguments)
        if process.steps >= process.acts_at:
            process.acts_at = PAST_THE_END
            process.act()

    def _advance(self, until: float) -> bool:
        """Move the clock to the next timer, and make ready all whose time has come."""
        timers = self._timers
        while timers and timers[0][2].is_cancelled:
            heappop(timers)
        if not timers or timers[0][0] > until:
            self._now = until
            return False
        self._now = max(self._now, timers[0][0])
        while timers and timers[0][0] <= self._now:
            timer = heappop(timers)[2]
            if not timer.is_cancelled and not timer.context.get(process_now, OUTSIDE).is_dead:
                self._enqueue(timer)
        return True

    def dispose(self) -> None:
        """Take apart what was left in the middle of something."""
        for task in self.tasks:
            if not task.done():
                task._log_destroy_pending = False
        self._timers.clear()
        self.tasks.clear()
        self.close()
