"""`stopline start | stop | restart | logs PART` and `stopline reset`: the parts of the running stack, and its data."""

import argparse
import asyncio
import sys
from typing import Any

from shared.errors import MisconfiguredError

_MAX_LINES = 100_000


def add_commands(commands: Any) -> None:
    for name, text in (
        ("start", "start a part of the running stack, and wait until it is ready"),
        ("stop", "stop a part of the running stack; it stays stopped until it is started, or `up`"),
        ("restart", "stop a part of the running stack and start it again"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("part", help="kafka, postgres or a service, as `stopline status` names them")
        command.set_defaults(run=_control)
    logs = commands.add_parser("logs", help="what the parts wrote last, the stopped stack's too")
    logs.add_argument("part", nargs="?", help="one part; without, the stack and all its parts")
    logs.add_argument("-n", "--lines", type=int, default=20, help="how many lines of each (20)")
    logs.add_argument("-f", "--follow", action="store_true", help="go on as they are written, until Ctrl-C")
    logs.set_defaults(run=_logs)
    reset = commands.add_parser("reset", help="stop the stack and remove its data, after a question")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    reset.set_defaults(run=_reset)


def _control(arguments: argparse.Namespace) -> int:
    from harness.cli.running_stack import running_stack
    from harness.daemon.control_socket import ask
    from harness.daemon.home import StackHome

    running_stack()
    asyncio.run(ask(StackHome.default().control_socket, arguments.command, arguments.part))
    done = {"start": "runs and is ready", "stop": "is stopped", "restart": "was restarted and is ready"}
    print(f"{arguments.part} {done[arguments.command]}")
    return 0


def _logs(arguments: argparse.Namespace) -> int:
    from harness.daemon.home import StackHome
    from harness.daemon.logs import follow, last_lines, log_files

    files = log_files(StackHome.default())
    if arguments.part is not None:
        if arguments.part not in files:
            raise MisconfiguredError(f"there is no log of {arguments.part!r}; there are {', '.join(files) or 'none'}")
        files = {arguments.part: files[arguments.part]}
    for name, path in files.items():
        for line in last_lines(path, min(max(arguments.lines, 0), _MAX_LINES)):
            print(f"{name}: {line}" if len(files) > 1 else line)
    if arguments.follow:
        follow(files, print)
    return 0


def _reset(arguments: argparse.Namespace) -> int:
    from harness.daemon.home import StackHome
    from harness.daemon.reset import what_is_there, wipe

    home = StackHome.default()
    found = what_is_there(home)
    if not found:
        print(f"nothing to remove in {home.path}")
        return 0
    print(f"this stops the stack and removes all its data, accounts and opt-outs:\n  {found}")
    if not arguments.yes and not _agreed():
        print("nothing was removed")
        return 1
    wipe(home)
    print("removed; `stopline up` begins afresh")
    return 0


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise MisconfiguredError("reset asks before it removes anything, and nobody is there to answer: add --yes")
    return input("remove them? [y/N] ").strip().lower() in ("y", "yes")
