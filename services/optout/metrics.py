"""Every metric of the pipeline, with what moves it; the customer API and the pages of links have files of their own."""

from prometheus_client import Counter, Gauge, Histogram

from shared.event_records import REASONS
from shared.metrics import from_zero

MESSAGES_DECIDED = from_zero(
    Counter(
        "stopline_optout_messages_decided",
        "An inbound message was decided and published. answer: opt_out, held, opt_in, help, confirmed, released, "
        "erased, none.",
        ["answer"],
    ),
    ("opt_out", "held", "opt_in", "none"),
)
TEXTS_JOINED = from_zero(
    Counter(
        "stopline_optout_texts_joined",
        "The last part of a long text came, and the whole was decided with it. outcome: added (it asked for more than "
        "the part), nothing.",
        ["outcome"],
    ),
    ("added", "nothing"),
)
RECORDS_PARKED = from_zero(
    Counter("stopline_optout_records_parked", "A record could not be read and was parked. reason: why.", ["reason"]),
    (*REASONS, "unknown_link", "flood"),
)
BATCHES_PUBLISHED = Counter("stopline_optout_batches_published", "A Kafka transaction was committed.")
RULES_TOO_SLOW = Counter(
    "stopline_optout_rules_too_slow", "A reply was not searched for all patterns of its account in time: it is held."
)
ENTRIES_REPLAYED = Counter(
    "stopline_optout_entries_replayed", "A stored decision was published again, since Kafka may not have had it."
)
SESSIONS_ENDED = from_zero(
    Counter(
        "stopline_optout_sessions_ended",
        "A partition's worker had to begin again. reason: fenced (another process has the partition), transient (Kafka "
        "or Postgres was unavailable).",
        ["reason"],
    ),
    ("fenced", "transient"),
)
WATERMARK = Gauge(
    "stopline_optout_watermark", "The offset below which everything is decided and published.", ["partition"]
)
LAG = Gauge(
    "stopline_optout_lag_records",
    "Records of inbound-messages that Kafka has and that are not decided and published yet, as far as this process has "
    "heard of them; 0 also where another process has the partition.",
    ["partition"],
)
SUPPRESSIONS_REPAIRED = Counter(
    "stopline_optout_suppressions_repaired",
    "A suppression in Kafka was not what the decision log says, and was corrected.",
)
HALTED = Gauge(
    "stopline_optout_halted", "1 where the partition's worker has stopped and needs a person.", ["partition"]
)
BATCH_SECONDS = Histogram(
    "stopline_optout_batch_seconds",
    "A batch, from the poll to the committed transaction.",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
EFFECT_SECONDS = Histogram(
    "stopline_optout_effect_seconds",
    "An opt-out took effect: from its reception to the committed transaction: every fence has it from then on.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
