"""Errors of the harness: one line, or a few, that a person can act on."""

from shared.errors import MisconfiguredError


class HarnessError(MisconfiguredError):
    """The stack cannot be started or driven like this; the text names the problem and the fix."""


class StartError(HarnessError):
    """A process did not start; the text names its log file and shows the end of it."""
