"""`stopline story | demo`: the life of an opt-out, played on the running stack or on a stack of its own."""

import asyncio
import os
import re
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.background import print_status, status_of
from harness.cli.output import AsJson, show
from harness.say import Say, say, say_aside

if TYPE_CHECKING:
    from harness.daemon.address_book import AddressBook

_CLAIM = re.compile(r"(?P<ok>ok|FAIL) +(?P<claim>.*?)(?:  \((?P<ms>\d+) ms\))?(?:\n +(?P<detail>.*))?", re.DOTALL)


def add_commands(app: typer.Typer) -> None:
    app.command("story")(_story)
    app.command("demo")(_demo)


def _story(
    *,
    fresh: Annotated[bool, typer.Option("--fresh", help="On a stack of its own, which is removed afterwards.")] = False,
    as_json: AsJson = False,
) -> int:
    """Play the life of an opt-out on the running stack; exit code 1 if a claim does not hold."""
    from harness.cli.running_stack import running_stack

    lines: list[str] = []
    said_to = _aside_and_in(lines) if as_json else say
    failed = _play_on_a_fresh_stack(said_to) if fresh else _play(running_stack(), said_to)
    if as_json:
        show("", {"holds": not failed, "claims": _claims(lines)}, as_json=True)
    return failed


def _aside_and_in(lines: list[str]) -> Say:
    def both(line: str) -> None:
        lines.append(line)
        say_aside(line)

    return both


def _claims(lines: Sequence[str]) -> list[dict[str, Any]]:
    found = [match for line in lines if (match := _CLAIM.fullmatch(line))]
    return [
        {
            "claim": each["claim"],
            "holds": each["ok"] == "ok",
            "milliseconds": int(each["ms"]) if each["ms"] else None,
            "detail": each["detail"],
        }
        for each in found
    ]


def _play_on_a_fresh_stack(say_claim: Say) -> int:
    """Play the story while STOPLINE_HOME is a temporary folder with a stack on free ports; return the exit code."""
    from harness.daemon.lifecycle import start, stop
    from harness.machine.temporary_folder import make_temporary_folder, remove_temporary_folder

    folder = make_temporary_folder()
    os.environ["STOPLINE_HOME"] = str(folder)
    try:
        return _play(start(ports="free", say=say_claim), say_claim)
    finally:
        stop()
        remove_temporary_folder(folder)


def _demo(*, as_json: AsJson = False) -> int:
    """Set everything up, start it, play the story, leave it running."""
    from harness.daemon.lifecycle import start
    from harness.demo import PROGRAM, commands_to_try, pages_to_open

    began = time.monotonic()
    lines: list[str] = []
    said_to = _aside_and_in(lines) if as_json else say
    book = start(ports="either", say=said_to)
    said_to(pages_to_open(book, time.monotonic() - began))
    failed = _play(book, said_to)
    if as_json:
        show(
            "",
            {**status_of(book, just_started=True), "story": {"holds": not failed, "claims": _claims(lines)}},
            as_json=True,
        )
        return failed
    say("")
    print_status(book, just_started=True)
    if failed:
        say(f"\nA claim failed. `{PROGRAM} logs` shows what the parts say, `{PROGRAM} reset` begins afresh.")
    else:
        say(asyncio.run(commands_to_try(book)))
        say(f"The demo took {time.monotonic() - began:.0f} s.")
    return failed


def _play(book: "AddressBook", say_claim: Say) -> int:
    from harness.cli.running_stack import health_of
    from harness.daemon.control_socket import ask
    from harness.daemon.home import StackHome
    from harness.story.play import play_story

    control = partial(ask, StackHome.default().control_socket)
    return 1 if asyncio.run(play_story(book, control, partial(health_of, book), say_claim)) else 0
