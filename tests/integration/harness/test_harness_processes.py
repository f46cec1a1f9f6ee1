"""Nothing that the harness starts outlives whoever started it, however that ends."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from uuid import uuid4

import pytest
from harness_world import processes_of, until

from harness.processes import ManagedProcess

LINUX_ONLY = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")


def parent_of(program: str, mark: str) -> subprocess.Popen[str]:
    """Start a parent that runs `program`, which prints a line when its children are there and then waits."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, "HARNESS_TEST_MARK": mark},
        stdout=subprocess.PIPE,
        text=True,
    )


def first_line(parent: subprocess.Popen[str]) -> str:
    assert parent.stdout is not None
    return parent.stdout.readline().strip()


STACK = """
    import asyncio
    from harness.stack.embedded import EmbeddedBackend

    async def main():
        async with EmbeddedBackend(say=lambda _: None) as backend:
            print(backend.postgres.process.log_path.parent.parent, flush=True)
            await asyncio.Event().wait()

    asyncio.run(main())
"""


@LINUX_ONLY
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_kafka_postgres_and_their_folder_are_gone_when_the_parent_is_ended(ending: signal.Signals) -> None:
    mark = uuid4().hex
    parent = parent_of(STACK, mark)
    folder = Path(first_line(parent))
    assert len(processes_of(mark)) > 3  # the parent, its watcher, Kafka, Postgres
    assert folder.is_dir()

    parent.send_signal(ending)
    parent.communicate(timeout=90)

    until(lambda: not processes_of(mark), 10, "no process is left")
    until(lambda: not folder.exists(), 10, "the folder is removed")


FAMILY = """
    import sys, time
    from pathlib import Path
    from harness.processes import ManagedProcess

    family = "import subprocess, time; subprocess.Popen(['sleep', '600'], start_new_session=True); time.sleep(600)"
    child = ManagedProcess("child", [sys.executable, "-c", family], log_path=Path("/dev/null"))
    child.start()
    from harness.processes.watcher import descendants
    while not descendants(child.pid):
        time.sleep(0.01)
    child.pause()
    print("ready", flush=True)
    time.sleep(600)
"""


@LINUX_ONLY
def test_a_frozen_child_and_a_grandchild_in_a_session_of_its_own_go_too() -> None:
    mark = uuid4().hex
    parent = parent_of(FAMILY, mark)
    assert first_line(parent) == "ready"
    assert len(processes_of(mark)) == 4  # the parent, its watcher, the child, the grandchild

    parent.kill()
    parent.communicate(timeout=90)

    until(lambda: not processes_of(mark), 10, "no process is left")


def python(tmp_path: Path, program: str) -> ManagedProcess:
    return ManagedProcess("the program", [sys.executable, "-u", "-c", program], log_path=tmp_path / "log")


async def has_said(process: ManagedProcess, text: str) -> None:
    async with asyncio.timeout(10):
        while text not in process.log_tail():  # noqa: ASYNC110 (it happens in another process)
            await asyncio.sleep(0.01)


async def test_a_process_that_ignores_the_request_to_end_is_killed_in_time(tmp_path: Path) -> None:
    process = python(tmp_path, "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf'); time.sleep(600)")
    process.start()
    await has_said(process, "deaf")

    await process.stop(timeout_seconds=0.3)

    assert process.returncode == -signal.SIGKILL


async def test_a_frozen_process_can_be_stopped(tmp_path: Path) -> None:
    process = python(tmp_path, "import time; print('up'); time.sleep(600)")
    process.start()
    await has_said(process, "up")
    process.pause()

    await process.stop(timeout_seconds=10)

    assert process.returncode == -signal.SIGTERM


async def test_the_error_of_a_failed_start_names_the_log_and_shows_its_end_since_the_last_start(tmp_path: Path) -> None:
    process = python(tmp_path, "print('the reason'); raise SystemExit(3)")
    for _ in range(2):
        process.start()
        assert await process.wait_exit(10) == 3

    error = str(process.start_error("ended"))

    assert str(tmp_path / "log") in error
    assert error.count("the reason") == 1


async def test_a_program_that_does_not_exist_ends_with_a_line_in_the_log(tmp_path: Path) -> None:
    process = ManagedProcess("nothing", [tmp_path / "nothing"], log_path=tmp_path / "log")
    process.start()

    assert await process.wait_exit(10) == 127
    assert "not found" in process.log_tail()
