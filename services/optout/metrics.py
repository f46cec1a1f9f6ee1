"""Every metric of the opt-out service, with what moves it."""

from prometheus_client import Counter, Gauge, Histogram

MESSAGES_DECIDED = Counter(
    "stopline_optout_messages_decided", "An inbound message was decided and published.", ["answer"]
)
RECORDS_PARKED = Counter("stopline_optout_records_parked", "A record could not be read and was parked.", ["reason"])
BATCHES_PUBLISHED = Counter("stopline_optout_batches_published", "A Kafka transaction was committed.")
RULES_TOO_SLOW = Counter(
    "stopline_optout_rules_too_slow", "A reply was not searched for all patterns of its account in time."
)
ENTRIES_REPLAYED = Counter(
    "stopline_optout_entries_replayed", "A stored decision was published again, since Kafka may not have had it."
)
SESSIONS_ENDED = Counter("stopline_optout_sessions_ended", "A partition's worker had to begin again.", ["reason"])
WATERMARK = Gauge(
    "stopline_optout_watermark", "The offset below which everything is decided and published.", ["partition"]
)
SUPPRESSIONS_REPAIRED = Counter(
    "stopline_optout_suppressions_repaired", "A suppression in Kafka was not what the record says, and was corrected."
)
HALTED = Gauge(
    "stopline_optout_halted", "1 where the partition's worker has stopped and needs a person.", ["partition"]
)
BATCH_SECONDS = Histogram(
    "stopline_optout_batch_seconds",
    "A batch, from the poll to the committed transaction.",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
WEBHOOKS = Counter("stopline_optout_webhooks", "A customer's address was called.", ["outcome"])
LOGINS_REFUSED = Counter(
    "stopline_optout_logins_refused",
    "A login to the API was wrong, or was not looked at because too many before it were.",
    ["reason"],
)
LINK_PAGES = Counter("stopline_optout_link_pages", "A page of an opt-out link was answered.", ["method", "page"])
