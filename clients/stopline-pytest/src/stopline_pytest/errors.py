"""The errors of this package. Every text says what was seen, or what to do."""


class StoplineError(Exception):
    """The stack cannot be started or reached, or it refused a request."""


class NotSeenError(AssertionError):
    """The expected did not come before the deadline; the text shows what came instead."""


class WrongOutcomeError(AssertionError):
    """A message had another outcome than the test expected."""


class UnexpectedMessageError(AssertionError):
    """A phone received a message that the test did not expect."""
