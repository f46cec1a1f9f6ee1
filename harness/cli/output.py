"""Output of commands: text for people, JSON for programs; colours only on a terminal, and not with NO_COLOR."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]


def show(text: str, fields: Any, *, as_json: bool) -> None:
    """Write `text`, or `fields` as one document of JSON in ASCII: no control character reaches a terminal."""
    print(json.dumps(fields, indent=2) if as_json else text, flush=True)


def show_line(fields: Any) -> None:
    """Write one line of JSON."""
    print(json.dumps(fields))


@contextmanager
def progress_bar(*, is_shown: bool = True) -> "Iterator[Progress]":
    """Lend a bar on standard error, which is there on a terminal alone: neither in logs nor in pipes."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not (is_shown and console.is_terminal)) as shown:
        yield shown
