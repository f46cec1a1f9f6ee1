"""Every metric of the sender, with what moves it."""

from prometheus_client import Counter, Gauge, Histogram

from shared.event_records import REASONS
from shared.metrics import from_zero
from shared.smpp.metrics import SmppMetrics
from shared.suppressions.metrics import CacheMetrics

MESSAGES = from_zero(
    Counter(
        "stopline_sender_messages",
        "A message got its outcome. outcome: sent, suppressed, rejected, failed, unknown.",
        ["outcome"],
    ),
    ("sent", "suppressed", "rejected", "failed", "unknown"),
)
CALLS_IN_FLIGHT = Gauge("stopline_sender_calls_in_flight", "Carrier calls that wait for their answer.")
REDECIDED = Counter("stopline_sender_redecided", "A decision grew too old before the carrier call and was made again.")
WRITTEN_LATE = Counter(
    "stopline_sender_written_late", "A process was frozen within a carrier call's write, which may have left too late."
)
NOT_CALLED = Counter("stopline_sender_not_called", "The carrier could not be reached; the message was decided again.")
THROTTLED = Counter(
    "stopline_sender_throttled",
    "A carrier refused a message for its pace alone; it is decided again. carrier: which one.",
    ["carrier"],
)
CONFIRMATIONS = from_zero(
    Counter(
        "stopline_sender_confirmations",
        "A confirmation of an opt-out was decided. verdict: let_pass, or why it must not leave.",
        ["verdict"],
    ),
    ("too_late", "not_confirmable"),
)
LIMITS_GIVEN_BACK = Counter(
    "stopline_sender_limits_given_back", "A message was counted for a limit and not called; the count was corrected."
)
RECORDS_PARKED = from_zero(
    Counter("stopline_sender_records_parked", "A record could not be read and was parked. reason: why.", ["reason"]),
    (*REASONS, "flood"),
)
LAG = Gauge(
    "stopline_sender_lag_records",
    "Records of outbound-messages that Kafka has for this process and that it has not handled yet.",
)
FENCE_SECONDS = Histogram(
    "stopline_sender_fence_seconds",
    "A fence was passed.",
    buckets=(0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1, 2.5, 5, 10),
)
FENCE_WAITING = Gauge(
    "stopline_sender_fence_waiting_seconds",
    "For how long the message that has waited longest waits at the fence now; 0: none does.",
)
BATCHES_RETRIED = Counter(
    "stopline_sender_batches_retried", "Kafka, Postgres or the cache was unavailable; a batch waits."
)
CACHE = CacheMetrics(
    records=Counter("stopline_sender_cache_records", "A record of the topic suppressions was applied."),
    healthy=Gauge("stopline_sender_cache_healthy", "1 while the cache is whole and nothing speaks against it."),
    diverged=Counter("stopline_sender_cache_diverged", "A checkpoint differed from the cache, which was rebuilt."),
    snapshots_written=Counter("stopline_sender_snapshots_written", "The cache was written to disk."),
    snapshots_failed=Counter("stopline_sender_snapshots_failed", "The cache could not be written to disk."),
)
WAITS = Counter("stopline_sender_waits", "A message has to wait for its time. reason: what for.", ["reason"])
REJECTED_BY_TIME = from_zero(
    Counter(
        "stopline_sender_rejected_by_time",
        "A message can leave at no time. reason: expired, no_sending_hours, unknown_place and others.",
        ["reason"],
    ),
    ("expired", "no_sending_hours", "unknown_place"),
)
WAITING = Gauge("stopline_sender_waiting", "Messages that wait for their time, in the database; 1,000,000: or more.")
OVERDUE_SECONDS = Gauge("stopline_sender_overdue_seconds", "The age of the oldest waiting message whose time has come.")
WOKEN = Counter("stopline_sender_woken", "A message's time had come, and it was taken to be decided.")
WAKING_RETRIED = Counter(
    "stopline_sender_waking_retried", "Messages whose time had come could not leave; they are tried again."
)
CANCELLED = Counter("stopline_sender_cancelled", "A message was cancelled before it left.")
CLOCK_DIFFERENCE = Gauge(
    "stopline_sender_clock_difference_seconds", "The machine's clock minus the database's, when it was asked last."
)
RECEPTION = Gauge(
    "stopline_sender_reception_accounts",
    "Accounts that are caught up with at their gateways. standing: caught_up, waits (webhooks may have been missed: "
    "their messages wait), given_up (they leave all the same: it has taken too long).",
    ["standing"],
)
SWEPT_TO_UNKNOWN = Counter("stopline_sender_swept_to_unknown", "A call's answer never came: its message is unknown.")
SMPP = SmppMetrics(
    bound=Gauge("stopline_sender_smpp_bound", "1 while the bind to the SMSC is open. carrier: the link.", ["carrier"]),
    binds=Counter(
        "stopline_sender_smpp_binds",
        "An attempt to bind came to its end. carrier: the link; outcome: bound, refused (by the SMSC), ended.",
        ["carrier", "outcome"],
    ),
)
