"""Child processes: started, stopped, killed, paused, and never left running."""

from harness.processes.errors import HarnessError, StartError
from harness.processes.guardian import guardian
from harness.processes.process import ManagedProcess, User
from harness.processes.started import Started

__all__ = ["HarnessError", "ManagedProcess", "StartError", "Started", "User", "guardian"]
