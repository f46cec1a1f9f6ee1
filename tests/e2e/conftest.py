import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from shell import Shell


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
