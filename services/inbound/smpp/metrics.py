"""Every metric of the process and what moves it."""

from prometheus_client import Counter, Gauge

from shared.smpp.metrics import SmppMetrics

DELIVERIES = Counter(
    "stopline_smpp_deliveries",
    "Deliveries of an SMSC that were answered. outcome: accepted (Kafka has the events), refused (it cannot be read; "
    "Kafka has its bytes), unavailable (Kafka did not acknowledge in time; the SMSC delivers it again).",
    ["bind", "outcome"],
)
REPETITIONS = Counter(
    "stopline_smpp_repetitions", "A message came that may be one which the SMSC delivered before its connection ended."
)
LINKS = SmppMetrics(
    bound=Gauge(
        "stopline_smpp_bound", "1 while a bind to the SMSC is open: else nobody's STOP comes in by it.", ["bind"]
    ),
    binds=Counter(
        "stopline_smpp_binds",
        "An attempt to bind came to its end. outcome: bound, refused (by the SMSC), ended.",
        ["bind", "outcome"],
    ),
)
