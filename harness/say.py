"""Lines for a person who waits at a terminal."""

import sys
from collections.abc import Callable

Say = Callable[[str], None]


def say(text: str) -> None:
    """Write a line to standard output at once, also where that is a file or a pipe."""
    print(text, flush=True)


def say_aside(text: str) -> None:
    """Write a line to standard error, where it is not part of the output."""
    print(text, file=sys.stderr, flush=True)
