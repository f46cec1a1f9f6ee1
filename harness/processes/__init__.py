"""Child processes: started, stopped, killed, paused, and never left behind."""

from harness.processes.errors import HarnessError, StartError
from harness.processes.guardian import guardian
from harness.processes.process import ManagedProcess, User
from harness.processes.running import Running

__all__ = ["HarnessError", "ManagedProcess", "Running", "StartError", "User", "guardian"]
