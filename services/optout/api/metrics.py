"""The metrics that only the customer API has, with what moves them."""

from prometheus_client import Counter, Gauge, Histogram

from shared.suppressions.metrics import CacheMetrics

CHECKED = Counter("stopline_api_checked", "A message was asked about, and decided.", ["decision"])
CHECKS_UNAVAILABLE = Counter(
    "stopline_api_checks_unavailable", "A check was refused with 503, do not send: something was unavailable."
)
CHECK_SECONDS = Histogram(
    "stopline_api_check_seconds",
    "A check of up to 1,000 messages was decided, or could not be.",
    buckets=(0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1, 2.5, 5),
)
CACHE = CacheMetrics(
    records=Counter("stopline_api_cache_records", "A record of the topic suppressions was applied."),
    healthy=Gauge("stopline_api_cache_healthy", "1 while checks can be decided as far as the cache is concerned."),
    diverged=Counter("stopline_api_cache_diverged", "A checkpoint differed from the cache, which was rebuilt."),
    snapshots_written=Counter("stopline_api_snapshots_written", "The cache was written to disk."),
    snapshots_failed=Counter("stopline_api_snapshots_failed", "The cache could not be written to disk."),
)
