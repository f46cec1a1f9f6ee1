"""The `stopline` command: where it is, and running it."""

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from stopline_pytest.errors import StoplineError

_MAX_SHOWN_LINES = 30
_LOOK_SECONDS = 0.2
_INTERRUPT_SECONDS = 10.0


def find_command(named: str = "") -> list[str]:
    """Return the words of the command: `named`, else STOPLINE_COMMAND, else `stopline` on PATH.

    Raises:
        StoplineError: there is none.
    """
    words = shlex.split(named or os.environ.get("STOPLINE_COMMAND", "") or "stopline")
    if shutil.which(words[0]) is None:
        raise StoplineError(
            f"there is no command {words[0]!r}: install Stopline (in an environment of its own), and put `stopline` on"
            " PATH or name it in STOPLINE_COMMAND; or run its containers:"
            " --stopline-stack=containers; or use a stack that runs already: --stopline-stack=external"
        )
    return words


def run_command(
    command: Sequence[str],
    *words: str,
    seconds: float,
    home: Path | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> str:
    """Run `stopline` with these words, and return what it printed.

    Args:
        command: from `find_command`.
        words: such as `status --json`.
        seconds: the longest that it may take.
        home: the stack's own folder; default: that of the command's installation.
        is_over: whether nobody needs it any more; the command is then interrupted, as by Ctrl-C.

    Raises:
        StoplineError: it failed; the text has its last lines.
    """
    asked = " ".join([*command, *words])
    try:
        process = subprocess.Popen(  # noqa: S603 (the command that the user named)
            [*command, *words],
            env=environment(os.environ, home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise StoplineError(f"`{asked}`: {error}") from None
    why = ""
    with process:
        deadline = time.monotonic() + seconds
        while (output := _output(process, _LOOK_SECONDS)) is None and not (why := _why(is_over(), seconds, deadline)):
            pass
        output = output or _interrupted(process)
    if why or process.returncode:
        lines = "".join(output).splitlines()[-_MAX_SHOWN_LINES:]
        raise StoplineError("\n".join([f"`{asked}` {why or f'ended with {process.returncode}'}:", *lines]))
    return output[0]


def _why(is_over: bool, seconds: float, deadline: float) -> str:  # noqa: FBT001 (private)
    """Return why a command is interrupted; empty as long as it may go on."""
    if is_over:
        return "was interrupted: the test run has ended"
    return f"took longer than {seconds:g} s" if time.monotonic() > deadline else ""


def _output(process: "subprocess.Popen[str]", seconds: float) -> tuple[str, str] | None:
    """Return what a command printed, once it has ended; None if it runs after `seconds`."""
    try:
        return process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return None


def _interrupted(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """End a command so that it can clean up, as Ctrl-C does; kill it where it does not end."""
    process.send_signal(signal.SIGINT)
    output = _output(process, _INTERRUPT_SECONDS)
    if output is None:
        process.kill()
        output = _output(process, _INTERRUPT_SECONDS)
    return output or ("", "")


def environment(own: Mapping[str, str], home: Path | None) -> dict[str, str]:
    """Return the environment of a command: the tests' own Python settings are not for it."""
    kept = {name: value for name, value in own.items() if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
    if home is None:
        return kept
    if kept.get("STOPLINE_BACKEND") == "external":
        del kept["STOPLINE_BACKEND"]  # a run's own stack is never on servers that others use, and that stay
    return {**kept, "STOPLINE_HOME": str(home)}
