"""An independent judge of a run: it reads what phones received and what Kafka acknowledged, and reports violations.

It shares no code with the services: it has a plain model of its own of what a STOP does. From `shared` the judgement
takes the shapes of the events, and the reading takes the Kafka client and the decoding of events.

* `history`: the history of a run, which `read`, `read_http` and `read_kafka` collect.
* `check`: the guarantees, each with its checks, which are in `calls`, `replies` and `outcomes`.
* `evidence`, `timeline`, `identity`, `acknowledged`, `attribution`, `preferences`: what the checks derive from it.
"""

from harness.checker.check import check
from harness.checker.history import History
from harness.checker.violation import Violation

__all__ = ["History", "Violation", "check"]
