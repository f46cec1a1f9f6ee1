"""Runs one command; every expected failure is one line on standard error that says what to do.

Nothing but the standard library is imported before a service takes this process's place.
"""

import asyncio
import errno
import io
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from shared.errors import MisconfiguredError, TransientError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_BUG = 70  # EX_SOFTWARE of sysexits.h
EXIT_NOT_WRITTEN = 74  # EX_IOERR
EXIT_UNAVAILABLE = 75  # EX_TEMPFAIL; of `audit`, whose 1 means that something was found
EXIT_MISCONFIGURED = 78  # EX_CONFIG
EXIT_INTERRUPTED = 130  # as a shell reports SIGINT
EXIT_READER_LEFT = 141  # as it reports SIGPIPE
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
COMMANDS = {
    "services": ("inbound", "optout", "api", "links", "poll", "smpp", "sender", "dashboard", "sandbox", "phones"),
    "background": ("up", "down", "status", "reset", "kafka"),
    "story": ("story", "demo"),
    "part_commands": ("start", "stop", "restart", "logs"),
    "topics": ("topics",),
    "partitions": ("partitions",),
    "parked": ("parked",),
    "evidence": ("evidence", "record"),
    "migrate": ("migrate",),
    "rules": ("rules",),
    "policy": ("policy",),
    "erase": ("erase",),
    "transfer": ("import", "export"),
    "audit": ("audit",),
}
"""The module of each command. Only that one is imported, and for a service alone not even Typer."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that `argv` names and return the exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    _open_standard_files()
    try:
        return _run(words)
    except BrokenPipeError:
        _drop_output()
        return EXIT_READER_LEFT
    except MisconfiguredError as error:
        return _fail(str(error), EXIT_MISCONFIGURED)
    except TransientError as error:
        return _fail(str(error), EXIT_FAILED)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return EXIT_INTERRUPTED
    except Exception as error:
        if os.environ.get("STOPLINE_TRACEBACK"):
            raise
        return _unexpected(error)


def _open_standard_files() -> None:
    """Open what whoever started the command has closed; a character that the output cannot have is an escape."""
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 (open until the end)
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """Have nothing written to standard output any more, also at exit."""
    sys.stdout = _nowhere()


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 (open until the end)


def _run(words: Sequence[str]) -> int:
    if len(words) == 1 and words[0] in COMMANDS["services"]:
        from harness.cli.services import become

        become(words[0])
    from harness.cli.application import run

    code = run(words)
    sys.stdout.flush()
    return code


def _unexpected(error: Exception) -> int:
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        _drop_output()
        return _fail(f"{error.filename or 'the output'}: {error.strerror}", EXIT_NOT_WRITTEN)
    name = type(error).__name__
    return _fail(f"unexpected {name}: {error}\nSTOPLINE_TRACEBACK=1 shows where; please report it", EXIT_BUG)


def _fail(text: str, code: int) -> int:
    print(f"stopline: {text}", file=sys.stderr)
    return code
