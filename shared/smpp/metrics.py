"""The metrics of links to SMSCs, which each service declares under its own names."""

from dataclasses import dataclass

from prometheus_client import Counter, Gauge


@dataclass(frozen=True, slots=True)
class SmppMetrics:
    """The metrics of a service's links, by the link's name.

    Attributes:
        bound: 1 while a session is bound.
        binds: attempts by outcome: `bound`, `refused` by the SMSC, `ended` (also sessions that were bound before).
    """

    bound: Gauge
    binds: Counter
