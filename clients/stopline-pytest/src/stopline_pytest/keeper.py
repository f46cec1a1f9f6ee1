"""`python -m stopline_pytest.keeper FOLDER SECONDS COMMAND...`: owns the stack of one test run.

It starts the stack in FOLDER and writes its addresses there. Once no process holds FOLDER's pipe open, it removes both,
also in the middle of a start.
The command returns at once, and the keeper goes on as a process that is nobody's child.
"""

import fcntl
import os
import select
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from stopline_pytest.command import run_command
from stopline_pytest.errors import StoplineError
from stopline_pytest.lifeline import ADDRESSES, FAILED, HOME, KEEPER_LOCK, PIPE

_STATUS_SECONDS = 60.0
_REMOVE_SECONDS = 80.0


def main(folder: Path, start_seconds: float, command: list[str]) -> None:
    """Keep the stack until the run has ended."""
    with (folder / KEEPER_LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.fork():
            return  # the child has the lock, too
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)  # in a job in the background it may be ignored
        pipe = os.open(folder / PIPE, os.O_RDONLY | os.O_NONBLOCK)  # the run may have ended already
        os.set_blocking(pipe, True)  # nobody writes: it is readable once nobody holds it open
        try:
            _start(folder, start_seconds, command, lambda: bool(select.select([pipe], [], [], 0)[0]))
            os.read(pipe, 1)
        finally:
            with suppress(StoplineError):  # what is left is the folder
                run_command(command, "reset", "--yes", seconds=_REMOVE_SECONDS, home=folder / HOME)
            shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path, start_seconds: float, command: list[str], is_over: Callable[[], bool]) -> None:
    try:
        run_command(command, "up", "--free-ports", seconds=start_seconds, home=folder / HOME, is_over=is_over)
        written = run_command(command, "status", "--json", seconds=_STATUS_SECONDS, home=folder / HOME)
    except StoplineError as error:
        _write(folder / FAILED, f"the stack could not be started: {error}")
    else:
        _write(folder / ADDRESSES, written)


def _write(path: Path, text: str) -> None:
    """Write a file that is there as a whole, or not at all."""
    partial = path.with_suffix(".partial")
    partial.touch(0o600)
    partial.write_text(text, encoding="utf-8")
    partial.rename(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
