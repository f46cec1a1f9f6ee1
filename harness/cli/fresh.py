"""A stack of its own for one command: started in a folder that is removed afterwards."""

import os
from collections.abc import Callable

from harness.daemon.lifecycle import start, stop
from harness.machine.temporary_folder import make_temporary_folder, remove_temporary_folder


def on_a_fresh_stack(act: Callable[[], int], say: Callable[[str], None]) -> int:
    """Run `act` while STOPLINE_HOME is a new stack on free ports; return its exit code."""
    folder = make_temporary_folder()
    os.environ["STOPLINE_HOME"] = str(folder)
    try:
        start(ports="free", say=say)
        return act()
    finally:
        stop()
        remove_temporary_folder(folder)
