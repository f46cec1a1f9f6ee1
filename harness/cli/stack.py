"""`stopline up | down | status | story | demo | kafka`: the whole stack on this machine, in the background."""

import argparse
import asyncio
import json
import os
import sys
from functools import partial
from typing import Any

from shared.errors import MisconfiguredError


def add_commands(commands: Any) -> None:
    up = commands.add_parser("up", help="start Kafka, Postgres, the services and the sandbox carrier in the background")
    up.add_argument("--free-ports", action="store_true", help="take free ports instead of the usual ones")
    up.set_defaults(run=_up)
    commands.add_parser("down", help="stop them; the data are kept").set_defaults(run=_down)
    status = commands.add_parser("status", help="endpoints and the demo account's credentials")
    status.add_argument("--json", action="store_true", help="for programs")
    status.set_defaults(run=_status)
    commands.add_parser("story", help="play the life of an opt-out on the running stack").set_defaults(run=_story)
    commands.add_parser("demo", help="set everything up, start it, play the story, leave it running").set_defaults(
        run=_demo
    )
    kafka = commands.add_parser("kafka", help="run one of Kafka's own tools, such as console-producer, on the stack")
    kafka.add_argument("tool", help="console-producer, console-consumer, topics, consumer-groups, …")
    kafka.add_argument("arguments", nargs=argparse.REMAINDER)
    kafka.set_defaults(run=_kafka)


def _up(arguments: argparse.Namespace) -> int:
    from harness.daemon.lifecycle import start

    book = start(free_ports=arguments.free_ports, say=print)
    _print_addresses(book)
    return 0


def _down(_: argparse.Namespace) -> int:
    from harness.daemon.lifecycle import stop

    print("stopped" if stop() else "nothing was running")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    from harness.daemon.state import Home

    book = Home.default().read_address_book()
    if arguments.json:
        print(json.dumps({"running": book is not None, **(book or {})}, indent=2))
    elif book is None:
        print("not running; `stopline up` starts the stack")
    else:
        _print_addresses(book)
    return 0 if book is not None else 1


def _running() -> dict[str, Any]:
    from harness.daemon.state import Home

    book = Home.default().read_address_book()
    if book is None:
        raise MisconfiguredError("no stack is running; start one with `stopline up`")
    return book


def _story(_: argparse.Namespace) -> int:
    from harness.daemon.control import ask
    from harness.daemon.state import Home
    from harness.story.play import play_story

    control = partial(ask, Home.default().control_socket)
    return 1 if asyncio.run(play_story(_running(), control, _say)) else 0


def _demo(arguments: argparse.Namespace) -> int:
    from harness.daemon.lifecycle import start
    from harness.demo import commands_to_try

    arguments.free_ports = False
    book = start(free_ports=False, say=_say)
    failed = _story(arguments)
    _print_addresses(book)
    _say(asyncio.run(commands_to_try(book)))
    return failed


def _kafka(arguments: argparse.Namespace) -> int:
    from harness.stack.kafka_tools import tool_command

    book = _running()
    command = tool_command(arguments.tool, ["--bootstrap-server", book["kafka_bootstrap"], *arguments.arguments])
    os.execvp(command[0], command)  # noqa: S606 (becomes the tool: its input, output and signals)


def _print_addresses(book: dict[str, Any]) -> None:
    account = book["demo_account"]
    for name, value in (
        ("Kafka", book["kafka_bootstrap"]),
        ("webhooks", account["webhook_url"]),
        ("customer API", f"{book['api_url']}  (user {account['account_id']}, password {account['api_key']})"),
        ("sandbox carrier", book["sandbox_url"]),
        ("sender", book["sender_url"]),
    ):
        _say(f"{name:<16} {value}")


def _say(text: str) -> None:
    print(text, flush=True)
    sys.stdout.flush()
