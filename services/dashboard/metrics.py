"""The dashboard's metrics, with what moves them."""

from prometheus_client import Counter, Gauge, Histogram

PAGES = Counter(
    "stopline_dashboard_pages",
    "A page, or a part of one, was answered. page: its route; status: of HTTP.",
    ["page", "status"],
)
SIGN_INS = Counter("stopline_dashboard_sign_ins", "Somebody tried to sign in. outcome: of the attempt.", ["outcome"])
API_SECONDS = Histogram(
    "stopline_dashboard_api_seconds",
    "The API began to answer a request of a page.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)
API_FAILED = Counter("stopline_dashboard_api_failed", "The API did not answer a request of a page.")
LIVE = Gauge("stopline_dashboard_live", "Browsers that follow a page live now.")
