"""Reads the command line and runs one command; every expected failure is one line on standard error."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from shared.errors import MisconfiguredError, TransientError

EXIT_FAILED = 1
EXIT_MISCONFIGURED = 78  # EX_CONFIG of sysexits.h
EXIT_INTERRUPTED = 130
COMMANDS = {
    "services": ("inbound", "optout", "api", "links", "poll", "smpp", "sender", "dashboard", "sandbox", "phones"),
    "background": ("up", "down", "status", "reset", "kafka"),
    "story": ("story", "demo"),
    "part_commands": ("start", "stop", "restart", "logs"),
    "topics": ("topics",),
    "parked": ("parked",),
    "evidence": ("evidence", "record"),
    "migrate": ("migrate",),
    "rules": ("rules",),
    "policy": ("policy",),
    "erase": ("erase",),
}
"""The module of each command. Only that one is imported: all of them take half a second, before every service too."""


def parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Return the parser of the command that `words` begin with, and of all where they begin with none.

    Each command sets `run`, a callable that takes the arguments.
    """
    root = argparse.ArgumentParser(prog="stopline", description="Opt-out system for SMS.")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    named = [module for module, names in COMMANDS.items() if words and words[0] in names]
    for module in named or COMMANDS:
        import_module(f"harness.cli.{module}").add_commands(commands)
    return root


def main(argv: list[str] | None = None) -> int:
    """Run the command that `argv` names and return the exit code."""
    words = sys.argv[1:] if argv is None else argv
    arguments = parser(words).parse_args(words)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except MisconfiguredError as error:
        return _fail(str(error), EXIT_MISCONFIGURED)
    except TransientError as error:
        return _fail(str(error), EXIT_FAILED)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return EXIT_INTERRUPTED


def _fail(text: str, code: int) -> int:
    print(f"stopline: {text}", file=sys.stderr)
    return code
