"""The command `stopline`: the services, the stack on this machine, and what operators need."""

from harness.cli.main import main

__all__ = ["main"]
