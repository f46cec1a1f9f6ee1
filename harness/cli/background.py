"""`stopline up | down | status | reset | kafka`: the stack in the background on this machine."""

import argparse
import asyncio
import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.say import say
from shared.errors import MisconfiguredError

if TYPE_CHECKING:
    from harness.daemon.address_book import AddressBook


def add_commands(commands: Any) -> None:
    up = commands.add_parser("up", help="start Kafka, Postgres, the services and the sandbox carrier in the background")
    up.add_argument("--free-ports", action="store_true", help="take free ports where the usual ones are taken")
    up.set_defaults(run=_up)
    commands.add_parser("down", help="stop them; the data are kept").set_defaults(run=_down)
    status = commands.add_parser(
        "status", help="each part's health, addresses, the demo account; exit 1 if one is down"
    )
    status.add_argument("--json", action="store_true", help="for programs")
    status.set_defaults(run=_status)
    reset = commands.add_parser("reset", help="stop the stack and remove its data, after a question")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    reset.set_defaults(run=_reset)
    kafka = commands.add_parser("kafka", help="run one of Kafka's own tools, such as console-producer, on the stack")
    kafka.add_argument("tool", help="console-producer, console-consumer, topics, consumer-groups, …")
    kafka.add_argument("arguments", nargs=argparse.REMAINDER)
    kafka.set_defaults(run=_kafka)


def _up(arguments: argparse.Namespace) -> int:
    from harness.daemon.lifecycle import start

    return print_status(start(ports="free" if arguments.free_ports else "usual", say=say))


def _down(_: argparse.Namespace) -> int:
    from harness.daemon.lifecycle import stop

    say("stopped" if stop() else "nothing was running")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    from harness.daemon.home import StackHome

    home = StackHome.default()
    book = home.read_address_book()
    if book is not None:
        return _print_json_status(book) if arguments.json else print_status(book)
    if arguments.json:
        say(json.dumps({"running": False, "healthy": False, "health": {}}, indent=2))
    elif home.ended_unasked:
        say(f"not running: the stack ended without `stopline down` (its log: {home.log}); `stopline up` starts it")
    else:
        say("not running; `stopline up` starts the stack")
    return 1


def _print_json_status(book: "AddressBook") -> int:
    from harness.cli.running_stack import health_of

    health = asyncio.run(health_of(book))
    healthy = all(each.ok for each in health.values())
    parts = {name: asdict(each) for name, each in health.items()}
    say(json.dumps({"running": True, "healthy": healthy, "health": parts, **book.as_json()}, indent=2))
    return 0 if healthy else 1


def print_status(book: "AddressBook") -> int:
    """Print addresses and health; return the exit code."""
    from harness.cli.running_stack import health_of

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
    health = asyncio.run(health_of(book))
    down = {name: each for name, each in health.items() if not each.ok}
    for name, each in down.items():
        say(f"DOWN  {name:<10} {each.detail}")
    if not down:
        say(f"healthy: {', '.join(name for name in health if name != 'background')}")
    return 1 if down else 0


def _reset(arguments: argparse.Namespace) -> int:
    from harness.daemon.home import StackHome
    from harness.daemon.reset import what_is_there, wipe

    home = StackHome.default()
    found = what_is_there(home)
    if not found:
        say(f"nothing to remove in {home.path}")
        return 0
    say(f"this stops the stack and removes all its data, accounts and opt-outs:\n  {found}")
    if not arguments.yes and not _agreed():
        say("nothing was removed")
        return 1
    wipe(home)
    say("removed; `stopline up` begins afresh")
    return 0


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise MisconfiguredError("reset asks before it removes anything, and nobody is there to answer: add --yes")
    return input("remove them? [y/N] ").strip().lower() in ("y", "yes")


def _kafka(arguments: argparse.Namespace) -> int:
    from harness.cli.running_stack import running_stack
    from harness.daemon.home import StackHome
    from harness.kafka.runtime import java_environment
    from harness.kafka.tool_properties import write_properties
    from harness.stack.kafka_tools import tool_command

    kafka = running_stack().kafka_connection()
    secured = ["--command-config", str(write_properties(kafka, StackHome.default().path))] if kafka.is_secured else []
    command = tool_command(arguments.tool, ["--bootstrap-server", kafka.bootstrap, *secured, *arguments.arguments])
    os.execvpe(command[0], command, java_environment())  # noqa: S606 (becomes the tool: its input, output and signals)
