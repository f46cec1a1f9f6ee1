"""What the end-to-end tests type: `stopline` commands with one folder as their home."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

STOPLINE = [sys.executable, "-m", "harness.cli"]
SECONDS = 240


class Shell:
    """Runs `stopline` commands with one folder as its home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {**os.environ, "STOPLINE_HOME": str(home)}
        self.environment.pop("STOPLINE_KAFKA_BOOTSTRAP", None)

    def run(self, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*STOPLINE, *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            **more,
        )

    def status(self) -> dict[str, Any]:
        book: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return book

    def process(self, *words: str) -> psutil.Process:
        """Return the process of the stack whose command line has all these words."""
        children = psutil.Process(self.status()["pid"]).children(recursive=True)
        return next(each for each in children if all(word in " ".join(each.cmdline()) for word in words))


def until(condition: Callable[[], bool], claim: str, seconds: float = 60.0) -> float:
    """Wait until the condition holds; return how long that took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, f"not within {seconds} s: {claim}"
        time.sleep(0.05)
    return time.monotonic() - started
