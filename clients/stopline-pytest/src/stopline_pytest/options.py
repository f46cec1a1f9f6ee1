"""The plugin's options: on the command line, in pyproject.toml or pytest.ini, in the environment."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from stopline_pytest.errors import StoplineError
from stopline_pytest.stack import TIMEOUT_SECONDS

STACKS = ("embedded", "containers", "running", "external")
_START_SECONDS = 900.0
_TEXTS = {
    "stopline_stack": "where the stack comes from: embedded (default: `stopline up`, for this run), containers"
    " (Docker Compose, for this run), running (the one that `stopline status` shows), external (by its addresses)",
    "stopline_command": "the `stopline` command (default: STOPLINE_COMMAND, else `stopline` on PATH)",
    "stopline_addresses": "external: a file with the output of `stopline status --json` (default: STOPLINE_API_URL,"
    " STOPLINE_INBOUND_URL, STOPLINE_SANDBOX_URL, STOPLINE_KAFKA_BOOTSTRAP, STOPLINE_ADMIN_TOKEN)",
    "stopline_image": "containers: the image of Stopline's services (default: STOPLINE_IMAGE, else stopline:dev)",
    "stopline_timeout_seconds": f"the longest wait for an outcome or a message (default: {TIMEOUT_SECONDS:g})",
    "stopline_start_seconds": f"the longest start of a stack, with its downloads (default: {_START_SECONDS:g})",
}


@dataclass(frozen=True)
class Options:
    """The plugin's options."""

    stack: str
    command: str
    addresses: Path | None
    image: str
    timeout_seconds: float
    start_seconds: float


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("stopline", "Stopline: tests against a real stack")
    for name, text in _TEXTS.items():
        group.addoption(f"--{name.replace('_', '-')}", dest=name, default=None, help=text)
        parser.addini(name, text, default=None)


def options_of(config: pytest.Config) -> Options:
    """Return the options; the command line comes before the ini file.

    Raises:
        StoplineError: one is wrong.
    """
    given = {name: config.getoption(name) or config.getini(name) or "" for name in _TEXTS}
    stack = given["stopline_stack"] or STACKS[0]
    if stack not in STACKS:
        raise StoplineError(f"stopline_stack: there is no {stack!r}; choose one of {', '.join(STACKS)}")
    file = given["stopline_addresses"]
    return Options(
        stack=stack,
        command=given["stopline_command"],
        addresses=config.rootpath / file if file else None,
        image=given["stopline_image"],
        timeout_seconds=_seconds(given, "stopline_timeout_seconds", TIMEOUT_SECONDS),
        start_seconds=_seconds(given, "stopline_start_seconds", _START_SECONDS),
    )


def _seconds(given: dict[str, str], name: str, default: float) -> float:
    try:
        seconds = float(given[name] or default)
    except ValueError:
        seconds = 0
    if seconds <= 0:
        raise StoplineError(f"{name}: write a number of seconds above 0, not {given[name]!r}")
    return seconds
