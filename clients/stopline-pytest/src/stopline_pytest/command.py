"""The `stopline` command: where it is, and running it."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from stopline_pytest.errors import StoplineError

_MAX_SHOWN_LINES = 30


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


def run_command(command: Sequence[str], *words: str, seconds: float, home: Path | None = None) -> str:
    """Run `stopline` with these words, and return what it printed.

    Args:
        command: from `find_command`.
        words: such as `status --json`.
        seconds: the longest that it may take.
        home: the stack's own folder; default: that of the command's installation.

    Raises:
        StoplineError: it failed; the text has its last lines.
    """
    asked = " ".join([*command, *words])
    try:
        ended = subprocess.run(  # noqa: S603 (the command that the user named)
            [*command, *words],
            env=environment(os.environ, home),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StoplineError(f"`{asked}`: {error}") from None
    if ended.returncode:
        lines = (ended.stdout + ended.stderr).splitlines()[-_MAX_SHOWN_LINES:]
        raise StoplineError("\n".join([f"`{asked}` ended with {ended.returncode}:", *lines]))
    return ended.stdout


def environment(own: Mapping[str, str], home: Path | None) -> dict[str, str]:
    """Return the environment of a command: the tests' own Python settings are not for it."""
    kept = {name: value for name, value in own.items() if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
    return kept if home is None else {**kept, "STOPLINE_HOME": str(home)}
