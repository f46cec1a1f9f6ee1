"""`stopline start | stop | restart | logs PART`: the parts of the running stack."""

import argparse
import asyncio
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
    from harness.daemon.logs import follow, last_lines, log_files, print_line, print_with_name

    files = log_files(StackHome.default())
    if arguments.part is not None:
        if arguments.part not in files:
            raise MisconfiguredError(f"there is no log of {arguments.part!r}; there are {', '.join(files) or 'none'}")
        files = {arguments.part: files[arguments.part]}
    show = print_with_name if len(files) > 1 else print_line
    for name, path in files.items():
        for line in last_lines(path, min(max(arguments.lines, 0), _MAX_LINES)):
            show(name, line)
    if arguments.follow:
        follow(files, show)
    return 0
