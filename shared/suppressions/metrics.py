"""The metrics of a suppression cache; each service names its own."""

from dataclasses import dataclass

from prometheus_client import Counter, Gauge


@dataclass(frozen=True, slots=True)
class CacheMetrics:
    """The metrics of the one cache of a process."""

    records: Counter
    healthy: Gauge
    diverged: Counter
    snapshots_written: Counter
    snapshots_failed: Counter
