"""`stopline up | down | status | story | demo | kafka`: the whole stack on this machine, in the background."""

import argparse
import asyncio
import json
import os
from dataclasses import asdict
from functools import partial
from typing import Any


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
    story = commands.add_parser("story", help="play the life of an opt-out on the running stack")
    story.add_argument("--fresh", action="store_true", help="on a stack of its own, which is removed afterwards")
    story.set_defaults(run=_story)
    commands.add_parser("demo", help="set everything up, start it, play the story, leave it running").set_defaults(
        run=_demo
    )
    kafka = commands.add_parser("kafka", help="run one of Kafka's own tools, such as console-producer, on the stack")
    kafka.add_argument("tool", help="console-producer, console-consumer, topics, consumer-groups, …")
    kafka.add_argument("arguments", nargs=argparse.REMAINDER)
    kafka.set_defaults(run=_kafka)


def _up(arguments: argparse.Namespace) -> int:
    from harness.daemon.lifecycle import start

    book = start(ports="free" if arguments.free_ports else "usual", say=_say)
    return _print_status(book)


def _down(_: argparse.Namespace) -> int:
    from harness.daemon.lifecycle import stop

    _say("stopped" if stop() else "nothing was running")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    from harness.daemon.home import StackHome

    home = StackHome.default()
    book = home.read_address_book()
    if book is None:
        if arguments.json:
            _say(json.dumps({"running": False, "healthy": False, "health": {}}, indent=2))
        elif home.ended_unasked:
            _say(f"not running: the stack ended without `stopline down` (its log: {home.log}); `stopline up` starts it")
        else:
            _say("not running; `stopline up` starts the stack")
        return 1
    return _print_json_status(book) if arguments.json else _print_status(book)


def _story(arguments: argparse.Namespace) -> int:
    if arguments.fresh:
        from harness.cli.fresh import on_a_fresh_stack

        return on_a_fresh_stack(_play, _say)
    return _play()


def _play() -> int:
    from harness.cli.running_stack import health_of, running_stack
    from harness.daemon.control_socket import ask
    from harness.daemon.home import StackHome
    from harness.story.play import play_story

    book = running_stack()
    control = partial(ask, StackHome.default().control_socket)
    return 1 if asyncio.run(play_story(book, control, partial(health_of, book), _say)) else 0


def _demo(_: argparse.Namespace) -> int:
    from harness.daemon.lifecycle import start
    from harness.demo import PROGRAM, commands_to_try

    book = start(ports="either", say=_say)
    failed = _play()
    _print_status(book)
    if failed:
        _say(f"\nA claim failed. `{PROGRAM} logs` shows what the parts say, `{PROGRAM} reset` begins afresh.")
    else:
        _say(asyncio.run(commands_to_try(book)))
    return failed


def _kafka(arguments: argparse.Namespace) -> int:
    from harness.cli.running_stack import running_stack
    from harness.daemon.home import StackHome
    from harness.kafka.runtime import java_environment
    from harness.kafka.tool_properties import write_properties
    from harness.stack.kafka_address import connection_of
    from harness.stack.kafka_tools import tool_command

    kafka = connection_of(running_stack())
    secured = ["--command-config", str(write_properties(kafka, StackHome.default().path))] if kafka.is_secured else []
    command = tool_command(arguments.tool, ["--bootstrap-server", kafka.bootstrap, *secured, *arguments.arguments])
    os.execvpe(command[0], command, java_environment())  # noqa: S606 (becomes the tool: its input, output and signals)


def _print_json_status(book: dict[str, Any]) -> int:
    from harness.cli.running_stack import health_of

    health = asyncio.run(health_of(book))
    healthy = all(each.ok for each in health.values())
    parts = {name: asdict(each) for name, each in health.items()}
    _say(json.dumps({"running": True, "healthy": healthy, "health": parts, **book}, indent=2))
    return 0 if healthy else 1


def _print_status(book: dict[str, Any]) -> int:
    """Print addresses and health; return the exit code."""
    from harness.cli.running_stack import health_of

    account = book["demo_account"]
    for name, value in (
        ("Kafka", book["kafka_bootstrap"]),
        ("webhooks", account["webhook_url"]),
        ("customer API", f"{book['api_url']}  (user {account['account_id']}, password {account['api_key']})"),
        ("sandbox carrier", book["sandbox_url"]),
        ("sender", book["sender_url"]),
        ("logs", book["logs"]),
    ):
        _say(f"{name:<16} {value}")
    health = asyncio.run(health_of(book))
    down = {name: each for name, each in health.items() if not each.ok}
    for name, each in down.items():
        _say(f"DOWN  {name:<10} {each.detail}")
    if not down:
        _say(f"healthy: {', '.join(name for name in health if name != 'background')}")
    return 1 if down else 0


def _say(text: str) -> None:
    print(text, flush=True)
