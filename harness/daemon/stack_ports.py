"""The ports of a background stack: the usual ones or free ones, and the same again at every later start."""

from collections.abc import Mapping
from typing import Literal

from harness.daemon.home import StackHome
from harness.daemon.neighbours import neighbours_on
from harness.machine.ports import free_ports, taken_of
from harness.machine.private_file import read_private, write_private
from harness.processes import HarnessError
from harness.say import Say
from harness.stack.choose import EXTERNAL, chosen_name
from harness.stack.stack import SERVER_NAMES, USUAL_PORTS

Choice = Literal["usual", "free", "either"]
"""The ports of a first start: the usual ones, free ones, or the usual ones where they are free."""


def choose_ports(home: StackHome, choice: Choice, say: Say) -> dict[str, int]:
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
    kept = read_private(home.ports)
    return {name: port for name, port in kept.items() if name in USUAL_PORTS and isinstance(port, int)}


def _ours(ports: Mapping[str, int]) -> dict[str, int]:
    """Return the ports that we listen on: an external Kafka and Postgres have their own."""
    is_external = chosen_name() == EXTERNAL
    return {name: port for name, port in ports.items() if not (is_external and name in SERVER_NAMES)}


def _free(names: Mapping[str, int]) -> dict[str, int]:
    return dict(zip(names, free_ports(len(names)), strict=True))


def _described(taken: Mapping[str, int]) -> str:
    ports = ", ".join(f"{port} ({name})" for name, port in taken.items())
    neighbours = neighbours_on(set(taken.values()))
    whose = f", such as the stack of {' and '.join(neighbours)}" if neighbours else ""
    return f"something else listens on port {ports}{whose}"
