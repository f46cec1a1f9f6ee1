"""Every metric of the service and what moves it."""

from functools import lru_cache

from prometheus_client import Counter, Gauge, Histogram

from shared.metrics import from_zero

WEBHOOKS = Counter(
    "stopline_inbound_webhooks",
    "Webhooks that were answered. kind: message, receipt; outcome: accepted (Kafka has the events), ignored (200; it "
    "is about no message), refused (Kafka has the parked bytes; 4xx, or 200 where the gateway would repeat it), "
    "too_large (413), nothing_said (405: a GET without a query), too_slow (408), unauthorised (401 or 404), "
    "unavailable (503: Kafka did not acknowledge in time).",
    ["gateway", "kind", "outcome"],
)
ACKNOWLEDGE_SECONDS = Histogram(
    "stopline_inbound_acknowledge_seconds",
    "From handing a record to the producer to Kafka's acknowledgement; those that Kafka did not acknowledge are in "
    "the highest bucket.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 1.5),
)
WAITING = Gauge("stopline_inbound_publishes_waiting", "Records that wait for Kafka's acknowledgement now.")
CONNECTED = Gauge("stopline_inbound_kafka_connected", "1 while there is a connection to publish through, else 0.")
CONNECTIONS_ENDED = Counter(
    "stopline_inbound_kafka_connections_ended",
    "Connections given up: at the end of the service, because Kafka refused a record for good, or because it "
    "acknowledged none for too long.",
)
PREVIOUS_KEY = Counter(
    "stopline_inbound_previous_key", "A webhook came to an address of STOPLINE_WEBHOOK_KEY_PREVIOUS."
)
OUTSIDE_REQUESTS = from_zero(
    Counter(
        "stopline_inbound_outside_requests",
        "Requests to a gateway's own addresses. kind: certificate (that signs its webhooks), confirmation (of a "
        "subscription); outcome: ok, refused (no 200).",
        ["kind", "outcome"],
    ),
    ("certificate", "confirmation"),
    ("refused",),
)
_WATCHED = ("accepted", "refused", "unauthorised", "unavailable")


@lru_cache(maxsize=512)
def webhooks(gateway: str, kind: str, outcome: str) -> Counter:
    """Return the counter of these webhooks; to look it up by its labels takes longer than to count."""
    return WEBHOOKS.labels(gateway, kind, outcome)


def begin_at_zero(gateway: str, kind: str) -> None:
    """Have the counters of a gateway's webhooks be there before the first one comes."""
    from_zero(WEBHOOKS, (gateway,), (kind,), _WATCHED)
