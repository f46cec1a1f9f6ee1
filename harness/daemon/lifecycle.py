"""Starts and stops the background stack, and shows what it says meanwhile."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from harness.daemon.state import Home, is_running
from shared.errors import TransientError

_START_SECONDS = 600.0  # a machine with nothing installed downloads Java, Maven and Kafka first
_STOP_SECONDS = 30.0
_LOOK_SECONDS = 0.05


def start(*, free_ports: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """Start the stack if none runs, and return its address book when it is ready.

    Raises:
        TransientError: it could not be started; the text has the reason and the log's place.
    """
    folder = Home.default()
    folder.create()
    running = folder.read_address_book()
    if running is not None:
        say("already running")
        return running
    with folder.log.open("wb") as log:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "harness.daemon", *(["--free-ports"] if free_ports else [])],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "STOPLINE_HOME": str(folder.path)},
        )
    try:
        return _wait(daemon, folder, say)
    except BaseException:
        daemon.terminate()
        raise


def _wait(daemon: subprocess.Popen[bytes], folder: Home, say: Callable[[str], None]) -> dict[str, Any]:
    deadline = time.monotonic() + _START_SECONDS
    with folder.log.open(errors="replace") as log:
        while time.monotonic() < deadline:
            ended = daemon.poll() is not None
            for line in log:
                say(line.rstrip())
            book = folder.read_address_book()
            if book is not None and book["pid"] == daemon.pid:
                return book
            if ended:
                raise TransientError(f"the stack did not start; see {folder.log}")
            time.sleep(_LOOK_SECONDS)
    raise TransientError(f"the stack was not ready within {_START_SECONDS:.0f} s; see {folder.log}")


def stop() -> bool:
    """Stop the stack and wait until its processes are gone; False where none ran."""
    folder = Home.default()
    book = folder.read_address_book()
    if book is None:
        return False
    os.kill(book["pid"], signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while is_running(book["pid"]):
        if time.monotonic() > deadline:
            os.kill(book["pid"], signal.SIGKILL)  # the watcher ends what it leaves behind
        time.sleep(_LOOK_SECONDS)
    folder.address_book.unlink(missing_ok=True)
    return True
