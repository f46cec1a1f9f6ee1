"""Reads the command line and runs one command; every expected failure is one line on standard error."""

import argparse
import asyncio
import sys
from collections.abc import Callable

from harness.cli import (
    background,
    erase,
    evidence,
    migrate,
    parked,
    part_commands,
    policy,
    rules,
    services,
    story,
    topics,
)
from shared.errors import MisconfiguredError, TransientError

EXIT_FAILED = 1
EXIT_MISCONFIGURED = 78  # EX_CONFIG of sysexits.h
EXIT_INTERRUPTED = 130


def parser() -> argparse.ArgumentParser:
    """Return the parser with all commands; each sets `run`, a callable that takes the arguments."""
    root = argparse.ArgumentParser(prog="stopline", description="Opt-out system for SMS.")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (services, background, story, part_commands, topics, parked, evidence, migrate, rules, policy, erase):
        module.add_commands(commands)
    return root


def main(argv: list[str] | None = None) -> int:
    """Run the command that `argv` names and return the exit code."""
    arguments = parser().parse_args(argv)
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
