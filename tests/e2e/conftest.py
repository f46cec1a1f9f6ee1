import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from shell import Shell
from trace_receiver import TraceReceiver

from harness.say import say_aside
from harness.stack.stack import Stack


@pytest.fixture(scope="session")
def shell() -> Iterator[Shell]:
    """A stack of its own in the background; a test that takes something down brings it up again."""
    with tempfile.TemporaryDirectory(prefix="stopline-e2e-") as folder:
        Path(folder).chmod(0o711)
        shell = Shell(Path(folder))
        started = shell.run("up", "--free-ports")
        assert started.returncode == 0, started.stdout + started.stderr
        yield shell
        shell.run("down")


@pytest.fixture(scope="session")
def traces() -> Iterator[TraceReceiver]:
    with TraceReceiver() as receiver:
        yield receiver


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stopline_stack(request: pytest.FixtureRequest, traces: TraceReceiver) -> AsyncIterator[Stack]:
    """The plugin's stack, with every process, and everything that happens here traced."""
    backend = request.config.getoption("--stopline-backend")
    async with Stack(backend=backend, links=True, poll=True, service_env=traces.settings, say=say_aside) as stack:
        yield stack
