"""What the harness could not do, told in one or a few lines that a person can act on."""

from shared.errors import MisconfiguredError


class HarnessError(MisconfiguredError):
    """The stack cannot be started or driven like this; the text names what is wrong and the mend."""


class StartError(HarnessError):
    """A process did not start; the text names its log file and shows the end of it."""
