"""The ports of a background stack: the usual ones or free ones, and the same again at every later start."""

import json
from collections.abc import Callable, Mapping
from typing import Literal

from harness.daemon.home import StackHome, write_private
from harness.daemon.neighbours import neighbours_on
from harness.machine.ports import free_ports, taken_of
from harness.processes import HarnessError
from harness.stack.choose import EXTERNAL, chosen_name
from harness.stack.stack import SERVER_NAMES, USUAL_PORTS

Choice = Literal["usual", "free", "either"]
"""What to take where nothing is remembered: the usual ports, free ones, or the usual ones if they are free."""


def choose_ports(home: StackHome, choice: Choice, say: Callable[[str], None]) -> dict[str, int]:
    """Return the port of each part, and remember it for the next start.

    Raises:
        HarnessError: one is taken and `choice` does not allow another; the line names it and who has it.
    """
    remembered = remembered_ports(home)
    wanted = {**USUAL_PORTS, **remembered} if remembered or choice != "free" else _free(USUAL_PORTS)
    taken = taken_of(_ours(wanted))
    if taken and choice == "usual":
        raise HarnessError(f"{_described(taken)}: end it, or take other ports from now on: stopline up --free-ports")
    if taken:
        say(f"{_described(taken)}: taking free ports instead")
        wanted |= _free(taken)
    write_private(home.ports, wanted)
    return wanted


def remembered_ports(home: StackHome) -> dict[str, int]:
    """Return the ports of the last start; empty where there was none."""
    try:
        kept = json.loads(home.ports.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {name: port for name, port in kept.items() if name in USUAL_PORTS and isinstance(port, int)}


def _ours(ports: Mapping[str, int]) -> dict[str, int]:
    """Return the ports that we are to listen on: an external Kafka and Postgres have theirs."""
    is_external = chosen_name() == EXTERNAL
    return {name: port for name, port in ports.items() if not (is_external and name in SERVER_NAMES)}


def _free(names: Mapping[str, int]) -> dict[str, int]:
    return dict(zip(names, free_ports(len(names)), strict=True))


def _described(taken: Mapping[str, int]) -> str:
    ports = ", ".join(f"{port} ({name})" for name, port in taken.items())
    neighbours = neighbours_on(set(taken.values()))
    whose = f", such as the stack of {' and '.join(neighbours)}" if neighbours else ""
    return f"something else listens on port {ports}{whose}"
