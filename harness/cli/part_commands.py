"""`stopline start | stop | restart | logs PART`: the parts of the running stack."""

import asyncio
from typing import Annotated

import typer

from harness.cli.output import AsJson, show, show_line
from shared.errors import MisconfiguredError

_MAX_LINES = 100_000

PartName = Annotated[str, typer.Argument(help="kafka, postgres or a service, as `stopline status` names them.")]


def add_commands(app: typer.Typer) -> None:
    app.command("start")(_start)
    app.command("stop")(_stop)
    app.command("restart")(_restart)
    app.command("logs")(_logs)


def _start(part: PartName, *, as_json: AsJson = False) -> int:
    """Start a part of the running stack, and wait until it is ready."""
    return _control("start", part, "runs and is ready", as_json=as_json)


def _stop(part: PartName, *, as_json: AsJson = False) -> int:
    """Stop a part of the running stack; it stays stopped until it is started, or `up`."""
    return _control("stop", part, "is stopped", as_json=as_json)


def _restart(part: PartName, *, as_json: AsJson = False) -> int:
    """Stop a part of the running stack and start it again."""
    return _control("restart", part, "was restarted and is ready", as_json=as_json)


def _control(command: str, part: str, done: str, *, as_json: bool) -> int:
    from harness.cli.running_stack import running_stack
    from harness.daemon.control_socket import ask
    from harness.daemon.home import StackHome

    running_stack()
    asyncio.run(ask(StackHome.default().control_socket, command, part))
    show(f"{part} {done}", {"part": part, "done": command}, as_json=as_json)
    return 0


def _logs(
    part: Annotated[str | None, typer.Argument(help="One part; without, the stack and all its parts.")] = None,
    *,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many lines of each.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as they are written, until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> int:
    """Show what the parts wrote last, the stopped stack's too."""
    from harness.daemon.home import StackHome
    from harness.daemon.logs import follow as follow_files
    from harness.daemon.logs import last_lines, log_files, print_line, print_with_name

    files = log_files(StackHome.default())
    if part is not None:
        if part not in files:
            raise MisconfiguredError(f"there is no log of {part!r}; there are {', '.join(files) or 'none'}")
        files = {part: files[part]}
    show_text = print_with_name if len(files) > 1 else print_line
    show_each = _as_json if as_json else show_text
    for name, path in files.items():
        for line in last_lines(path, min(max(lines, 0), _MAX_LINES)):
            show_each(name, line)
    if follow:
        follow_files(files, show_each)
    return 0


def _as_json(name: str, line: str) -> None:
    show_line({"part": name, "line": line})
