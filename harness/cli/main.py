"""Runs one command; every expected failure is one line on standard error that says what to do.

Nothing but the standard library is imported before a service takes this process's place.
"""

import asyncio
import os
import sys
from collections.abc import Sequence

from shared.errors import MisconfiguredError, TransientError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_BUG = 70  # EX_SOFTWARE of sysexits.h
EXIT_UNAVAILABLE = 75  # EX_TEMPFAIL; of `audit`, whose 1 means that something was found
EXIT_MISCONFIGURED = 78  # EX_CONFIG
EXIT_INTERRUPTED = 130  # as a shell reports SIGINT
EXIT_READER_LEFT = 141  # as it reports SIGPIPE
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
    try:
        return _run(words)
    except MisconfiguredError as error:
        return _fail(str(error), EXIT_MISCONFIGURED)
    except TransientError as error:
        return _fail(str(error), EXIT_FAILED)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 (nothing is flushed at exit)
        return EXIT_READER_LEFT
    except Exception as error:
        if os.environ.get("STOPLINE_TRACEBACK"):
            raise
        name = type(error).__name__
        return _fail(f"unexpected {name}: {error}\nSTOPLINE_TRACEBACK=1 shows where; please report it", EXIT_BUG)


def _run(words: Sequence[str]) -> int:
    if len(words) == 1 and words[0] in COMMANDS["services"]:
        from harness.cli.services import become

        become(words[0])
    from harness.cli.application import run

    return run(words)


def _fail(text: str, code: int) -> int:
    print(f"stopline: {text}", file=sys.stderr)
    return code
