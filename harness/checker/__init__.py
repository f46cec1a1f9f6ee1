"""An independent judge of a run: it reads what phones received and what Kafka acknowledged, and finds what is broken.

It shares the events' shapes with the services and nothing else: it has its own plain model of what a STOP does.
"""

from harness.checker.check import check
from harness.checker.history import History
from harness.checker.violation import Violation

__all__ = ["History", "Violation", "check"]
