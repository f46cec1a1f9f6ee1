"""A part that ended by itself is started again, later each time; one that was stopped on purpose stays stopped."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from harness.daemon import supervise
from harness.daemon.supervise import Supervisor
from harness.processes import HarnessError
from harness.stack.parts import Part


class FakeStack:
    """Two parts, `sender` and `kafka`; `starts` has the time of each start, on the fake clock."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.alive = {"kafka": True, "sender": True}
        self.starts: list[tuple[str, float]] = []
        self.commands: list[tuple[str, str]] = []
        self.error: Exception | None = None

    def parts(self) -> dict[str, Part]:
        return {name: Part(name, self._is_alive(name), self._start(name), lambda: -9) for name in self.alive}

    def _is_alive(self, name: str) -> Callable[[], bool]:
        return lambda: self.alive[name]

    def _start(self, name: str) -> Callable[[], "asyncio.Future[None]"]:
        async def start() -> None:
            self.starts.append((name, self.now))
            if self.error is not None:
                raise self.error
            self.alive[name] = True

        return start  # type: ignore[return-value]  # a coroutine function, as the real ones

    async def control(self, command: str, service: str) -> None:
        self.commands.append((command, service))
        self.alive[service] = command not in ("stop", "kill")


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> FakeStack:
    monkeypatch.setattr(supervise, "_LOOK_SECONDS", 0)
    return FakeStack()


@asynccontextmanager
async def watched(stack: FakeStack) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(stack, lambda _: None, lambda: stack.now)
    task = asyncio.create_task(supervisor.watch())
    try:
        yield supervisor
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def looks() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_what_ended_is_started_again_after_a_pause_that_grows(stack: FakeStack) -> None:
    async with watched(stack):
        for _ in range(3):
            await looks()
            stack.alive["sender"] = False
            while not stack.alive["sender"]:
                await looks()
                stack.now += 0.1
    pauses = [round(at - 1000, 1) for _, at in stack.starts]
    assert len(pauses) == 3
    assert pauses[0] < pauses[1] - pauses[0] < pauses[2] - pauses[1]


async def test_a_part_that_ran_for_a_minute_begins_with_the_short_pause_again(stack: FakeStack) -> None:
    async with watched(stack):
        for _ in range(3):
            await looks()
            stack.alive["sender"] = False
            await looks()
            ended = stack.now
            stack.now += 0.6
            await looks()
            assert stack.starts[-1] == ("sender", ended + 0.6)
            stack.now += 61
    assert len(stack.starts) == 3


async def test_what_was_stopped_on_purpose_stays_stopped_until_it_is_started(stack: FakeStack) -> None:
    async with watched(stack) as supervisor:
        await supervisor.control("stop", "sender")
        stack.now += 100
        await looks()
        assert stack.starts == []
        assert "stopped on purpose; `stopline start sender`" in supervisor.states()["sender"]
        await supervisor.control("start", "sender")
        stack.alive["sender"] = False
        await looks()
        assert "ended by signal 9" in supervisor.states()["sender"]


async def test_repair_starts_what_is_down_also_what_was_stopped_on_purpose(stack: FakeStack) -> None:
    async with watched(stack) as supervisor:
        await supervisor.control("kill", "sender")
        stack.alive["kafka"] = False
        assert await supervisor.repair() == ["kafka", "sender"]
    assert stack.alive == {"kafka": True, "sender": True}
    assert supervisor.states() == {}


async def test_what_was_frozen_is_named_until_it_is_thawed_and_up_thaws_it(stack: FakeStack) -> None:
    supervisor = Supervisor(stack, lambda _: None)
    await supervisor.control("pause", "sender")
    assert supervisor.frozen() == ["sender"]
    assert "`stopline up` thaws it" in supervisor.states()["sender"]
    assert await supervisor.repair() == ["sender"]
    assert stack.commands == [("pause", "sender"), ("resume", "sender")]
    assert (supervisor.frozen(), supervisor.states()) == ([], {})


async def test_what_was_killed_while_it_was_frozen_is_dead_and_no_longer_frozen(stack: FakeStack) -> None:
    supervisor = Supervisor(stack, lambda _: None)
    await supervisor.control("pause", "sender")
    await supervisor.control("kill", "sender")
    assert supervisor.frozen() == []
    await supervisor.control("start", "sender")
    assert supervisor.states() == {}


async def test_a_start_that_fails_in_any_way_is_tried_again_and_holds_up_no_other(stack: FakeStack) -> None:
    stack.error = RuntimeError("whatever")
    async with watched(stack):
        stack.alive.update(kafka=False, sender=False)
        for _ in range(40):
            await looks()
            stack.now += 0.2
    assert [name for name, _ in stack.starts].count("kafka") >= 3
    assert [name for name, _ in stack.starts].count("sender") >= 3


async def test_a_part_that_is_not_there_is_refused_with_those_that_are(stack: FakeStack) -> None:
    with pytest.raises(HarnessError, match="there is no 'dashboard'; there are kafka, sender"):
        await Supervisor(stack, lambda _: None).control("stop", "dashboard")
