"""`stopline up | down | status | reset | kafka`: the stack in the background on this machine."""

import asyncio
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.output import AsJson, show
from harness.say import say, say_aside
from shared.errors import MisconfiguredError

if TYPE_CHECKING:
    from harness.daemon.address_book import AddressBook


def add_commands(app: typer.Typer) -> None:
    app.command("up")(_up)
    app.command("down")(_down)
    app.command("status")(_status)
    app.command("reset")(_reset)
    # All that follows is the tool's, also what looks like an option of ours.
    app.command("kafka", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})(_kafka)


def _up(
    *,
    free_ports: Annotated[
        bool, typer.Option("--free-ports", help="Take free ports where the usual are taken.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Start Kafka, Postgres, the services and the sandbox carrier in the background; starts what is down or frozen."""
    from harness.daemon.lifecycle import start

    book = start(ports="free" if free_ports else "usual", say=say_aside if as_json else say)
    return _show_status(book, as_json=as_json, just_started=True)


def _down(*, as_json: AsJson = False) -> int:
    """Stop them; the data are kept."""
    from harness.daemon.lifecycle import stop

    stopped = stop()
    show("stopped" if stopped else "nothing was running", {"stopped": stopped}, as_json=as_json)
    return 0


def _status(*, as_json: AsJson = False) -> int:
    """Show each part's health, the addresses and the demo account; exit code 1 if a part is down."""
    from harness.daemon.home import StackHome

    home = StackHome.default()
    book = home.read_address_book()
    if book is not None:
        return _show_status(book, as_json=as_json)
    if as_json:
        show("", {"running": False, "healthy": False, "health": {}}, as_json=True)
    elif home.ended_unasked:
        say(f"not running: the stack ended without `stopline down` (its log: {home.log}); `stopline up` starts it")
    else:
        say("not running; `stopline up` starts the stack")
    return 1


def _show_status(book: "AddressBook", *, as_json: bool, just_started: bool = False) -> int:
    if not as_json:
        return print_status(book, just_started=just_started)
    fields = status_of(book, just_started=just_started)
    show("", fields, as_json=True)
    return 0 if fields["healthy"] else 1


def status_of(book: "AddressBook", *, just_started: bool = False) -> dict[str, Any]:
    """Return the health and the addresses of a stack, for programs."""
    from harness.cli.running_stack import health_after_start, health_of

    health = asyncio.run((health_after_start if just_started else health_of)(book))
    healthy = all(each.ok for each in health.values())
    parts = {name: asdict(each) for name, each in health.items()}
    return {"running": True, "healthy": healthy, "health": parts, **book.as_json()}


def print_status(book: "AddressBook", *, just_started: bool = False) -> int:
    """Print addresses and health; return the exit code."""
    from harness.cli.running_stack import health_after_start, health_of

    account = book.demo_account
    for name, value in (
        ("phones", book.phones_url or "not running; `stopline logs phones` says why"),
        ("dashboard", f"{book.dashboard_url}  (sign in as {account.account_id}, with the API key below)"),
        ("Kafka", book.kafka_bootstrap),
        ("webhooks", account.webhook_url),
        ("customer API", f"{book.api_url}  (user {account.account_id}, password {account.api_key})"),
        ("sandbox carrier", book.sandbox_url),
        ("sender", book.sender_url),
        ("logs", book.logs),
    ):
        say(f"{name:<16} {value}")
    health = asyncio.run((health_after_start if just_started else health_of)(book))
    down = {name: each for name, each in health.items() if not each.ok}
    for name, each in down.items():
        say(f"DOWN  {name:<10} {each.detail}")
    if not down:
        say(f"healthy: {', '.join(name for name in health if name != 'background')}")
    return 1 if down else 0


def _reset(*, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, as_json: AsJson = False) -> int:
    """Stop the stack and remove its data, after a question."""
    from harness.daemon.home import StackHome
    from harness.daemon.reset import what_is_there, wipe

    home = StackHome.default()
    found = what_is_there(home)
    if not found:
        show(f"nothing to remove in {home.path}", {"removed": False}, as_json=as_json)
        return 0
    aside: Any = say_aside if as_json else say
    aside(f"this stops the stack and removes all its data, accounts and opt-outs:\n  {found}")
    if not yes and not _agreed():
        show("nothing was removed", {"removed": False}, as_json=as_json)
        return 1
    wipe(home)
    show("removed; `stopline up` begins afresh", {"removed": True}, as_json=as_json)
    return 0


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise MisconfiguredError("reset asks before it removes anything, and nobody is there to answer: add --yes")
    return input("remove them? [y/N] ").strip().lower() in ("y", "yes")


def _kafka(
    tool: Annotated[str, typer.Argument(help="console-producer, console-consumer, topics, consumer-groups, …")],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="ARGUMENTS...", help="Of the tool.")] = None,
) -> int:
    """Run one of Kafka's own tools, such as console-producer, on the stack."""
    from harness.cli.running_stack import running_stack
    from harness.daemon.home import StackHome
    from harness.kafka.runtime import java_environment
    from harness.kafka.tool_properties import write_properties
    from harness.stack.kafka_tools import tool_command

    kafka = running_stack().kafka_connection()
    secured = ["--command-config", str(write_properties(kafka, StackHome.default().path))] if kafka.is_secured else []
    command = tool_command(tool, ["--bootstrap-server", kafka.bootstrap, *secured, *(arguments or [])])
    os.execvpe(command[0], command, java_environment())  # noqa: S606 (becomes the tool: its input, output and signals)
