"""Starts and stops the background stack, and shows its log meanwhile."""

import asyncio
import os
import signal
import subprocess
import sys
import time

from harness.daemon.address_book import AddressBook
from harness.daemon.control_socket import ask
from harness.daemon.home import StackHome, is_daemon
from harness.daemon.stack_ports import Choice, remembered_ports
from harness.machine.ports import taken_of
from harness.say import Say
from shared.errors import TransientError

_START_SECONDS = 900.0  # a machine with nothing installed downloads Java, Maven and Kafka first
_STOP_SECONDS = 30.0
_LEFT_OVER_SECONDS = 10.0
_LOOK_SECONDS = 0.05


def start(*, ports: Choice, say: Say) -> AddressBook:
    """Start the stack, or the parts of a running stack that have ended; return its address book when all are ready.

    Raises:
        TransientError: it could not be started; the text has the reason and names the log.
        HarnessError: its folder cannot be made.
    """
    home = StackHome.default()
    home.create()
    running = home.read_address_book()
    if running is not None:
        say("already running")
        _repair(home, say)
        return running
    if home.ended_unasked:
        say("the last stack ended without `stopline down`; starting it again")
        _wait_for_left_overs(home)
    return _start_daemon(home, ports, say)


def _repair(home: StackHome, say: Say) -> None:
    for name in asyncio.run(ask(home.control_socket, "repair"))["started"]:
        say(f"started {name} again")


def _wait_for_left_overs(home: StackHome) -> None:
    """Wait until the watcher of a killed stack has ended its processes."""
    deadline = time.monotonic() + _LEFT_OVER_SECONDS
    while taken_of(remembered_ports(home)) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)


def _start_daemon(home: StackHome, ports: Choice, say: Say) -> AddressBook:
    with home.log.open("wb") as log:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "harness.daemon", ports],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "STOPLINE_HOME": str(home.path), "PYTHONUTF8": "1"},
        )
    try:
        return _wait(daemon, home, say)
    except BaseException:
        daemon.terminate()
        raise


def _wait(daemon: subprocess.Popen[bytes], home: StackHome, say: Say) -> AddressBook:
    deadline = time.monotonic() + _START_SECONDS
    with home.log.open(encoding="utf-8", errors="replace") as log:
        while time.monotonic() < deadline:
            ended = daemon.poll() is not None
            for line in log:
                say(line.rstrip())
            book = home.read_address_book()
            if book is not None and book.pid == daemon.pid:
                return book
            if ended:
                raise TransientError(f"the stack did not start; its log is {home.log}")
            time.sleep(_LOOK_SECONDS)
    raise TransientError(f"the stack was not ready within {_START_SECONDS:.0f} s; its log is {home.log}")


def stop() -> bool:
    """Stop the stack and wait until its processes are gone; False where none ran."""
    home = StackHome.default()
    pid = home.running_pid()
    if pid is None:
        home.address_book.unlink(missing_ok=True)
        return False
    os.kill(pid, signal.SIGTERM)
    os.kill(pid, signal.SIGCONT)  # a frozen process gets the signal only when it runs again
    deadline = time.monotonic() + _STOP_SECONDS
    while is_daemon(pid):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)  # the watcher ends the processes that it leaves
        time.sleep(_LOOK_SECONDS)
    home.address_book.unlink(missing_ok=True)
    return True
