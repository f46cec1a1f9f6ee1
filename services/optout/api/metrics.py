"""The metrics that only the customer API has, with what moves them."""

from prometheus_client import Counter, Gauge, Histogram

from shared.metrics import from_zero
from shared.suppressions.metrics import CacheMetrics

CHECKED = Counter(
    "stopline_api_checked", "A message was asked about, and decided. decision: allowed, or why not.", ["decision"]
)
CHECKS_UNAVAILABLE = Counter(
    "stopline_api_checks_unavailable", "A check was refused with 503, do not send: something was unavailable."
)
CHECK_SECONDS = Histogram(
    "stopline_api_check_seconds",
    "A check of up to 1,000 messages was decided, or could not be.",
    buckets=(0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1, 2.5, 5),
)
WEBHOOKS = from_zero(
    Counter(
        "stopline_optout_webhooks",
        "A customer's address was called. outcome: delivered, retried (later, up to eight times), failed (given up).",
        ["outcome"],
    ),
    ("delivered", "retried", "failed"),
)
LOGINS_REFUSED = from_zero(
    Counter(
        "stopline_optout_logins_refused",
        "A login to the API was refused. reason: wrong, slowed_down (not looked at: too many before it were wrong).",
        ["reason"],
    ),
    ("wrong", "slowed_down"),
)
CACHE = CacheMetrics(
    records=Counter("stopline_api_cache_records", "A record of the topic suppressions was applied."),
    healthy=Gauge("stopline_api_cache_healthy", "1 while checks can be decided as far as the cache is concerned."),
    diverged=Counter("stopline_api_cache_diverged", "A checkpoint differed from the cache, which was rebuilt."),
    snapshots_written=Counter("stopline_api_snapshots_written", "The cache was written to disk."),
    snapshots_failed=Counter("stopline_api_snapshots_failed", "The cache could not be written to disk."),
)
