"""The metrics of HTTP connections."""

from prometheus_client import Counter, Gauge

CONNECTIONS = Gauge("stopline_http_connections", "Open HTTP connections, of all ports of the process.")
CUT_OFF = Counter(
    "stopline_http_cut_off",
    "Connections or requests that were ended because they went over a limit, by the limit.",
    ["limit"],
)
