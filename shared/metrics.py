"""The metrics that every process has, with what moves them; each service's own are in its `metrics.py`."""

from collections.abc import Iterable
from itertools import product

from prometheus_client import Counter, Gauge


def from_zero(counter: Counter, *values: Iterable[str]) -> Counter:
    """Return the counter, with each combination of these values of its labels at 0.

    One that appears with its first increase hides that increase from `rate` and `increase`, and so from alerts.
    """
    for labels in product(*values):
        counter.labels(*labels)
    return counter


READY = Gauge(
    "stopline_ready",
    "1 while /health/ready answers 200, else 0; the question is asked whenever the metrics are read, and the log has "
    "the reason.",
)
CONNECTIONS = Gauge("stopline_http_connections", "Open HTTP connections, of all ports of the process.")
CUT_OFF = Counter(
    "stopline_http_cut_off",
    "Connections or requests that were ended because they went over a limit. limit: which one.",
    ["limit"],
)
SPANS_DROPPED = Counter(
    "stopline_traces_spans_dropped",
    "Spans of traces that were not exported, because the collector is unavailable or too slow: nothing else is lost.",
)
