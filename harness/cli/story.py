"""`stopline story | demo`: the life of an opt-out, played on the running stack or on a stack of its own."""

import argparse
import asyncio
import os
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.cli.background import print_status
from harness.say import say

if TYPE_CHECKING:
    from harness.daemon.address_book import AddressBook


def add_commands(commands: Any) -> None:
    story = commands.add_parser("story", help="play the life of an opt-out on the running stack")
    story.add_argument("--fresh", action="store_true", help="on a stack of its own, which is removed afterwards")
    story.set_defaults(run=_story)
    commands.add_parser("demo", help="set everything up, start it, play the story, leave it running").set_defaults(
        run=_demo
    )


def _story(arguments: argparse.Namespace) -> int:
    from harness.cli.running_stack import running_stack

    return _play_on_a_fresh_stack() if arguments.fresh else _play(running_stack())


def _play_on_a_fresh_stack() -> int:
    """Play the story while STOPLINE_HOME is a temporary folder with a stack on free ports; return the exit code."""
    from harness.daemon.lifecycle import start, stop
    from harness.machine.temporary_folder import make_temporary_folder, remove_temporary_folder

    folder = make_temporary_folder()
    os.environ["STOPLINE_HOME"] = str(folder)
    try:
        return _play(start(ports="free", say=say))
    finally:
        stop()
        remove_temporary_folder(folder)


def _demo(_: argparse.Namespace) -> int:
    from harness.daemon.lifecycle import start
    from harness.demo import PROGRAM, commands_to_try

    book = start(ports="either", say=say)
    failed = _play(book)
    print_status(book)
    if failed:
        say(f"\nA claim failed. `{PROGRAM} logs` shows what the parts say, `{PROGRAM} reset` begins afresh.")
    else:
        say(asyncio.run(commands_to_try(book)))
    return failed


def _play(book: "AddressBook") -> int:
    from harness.cli.running_stack import health_of
    from harness.daemon.control_socket import ask
    from harness.daemon.home import StackHome
    from harness.story.play import play_story

    control = partial(ask, StackHome.default().control_socket)
    return 1 if asyncio.run(play_story(book, control, partial(health_of, book), say)) else 0
