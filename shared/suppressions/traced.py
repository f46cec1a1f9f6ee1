"""The traces of the newest suppressions in the cache: a message that one of them stops ends the trace of its reply.

The cache itself has keys only; this is kept beside it, for the newest changes, and only while traces are made.
"""

import time
from collections import OrderedDict
from collections.abc import Sequence

from opentelemetry.trace import Span, SpanContext, SpanKind

from shared import tracing
from shared.consumer import Polled

KEPT = 10_000
_RECENT_MS = 60_000


class SuppressionTraces:
    """The traces by a suppression's key in its topic: account, scope and phone."""

    def __init__(self) -> None:
        self._traces: OrderedDict[bytes, SpanContext] = OrderedDict()

    def begin(self, records: Sequence[Polled]) -> list[Span]:
        """Return the spans of these records' way into the cache; those that a start reads again have none."""
        oldest_ms = time.time() * 1_000 - _RECENT_MS
        spans: list[Span] = []
        for record in records:
            if len(spans) >= tracing.TRACED_PER_BATCH:
                break
            if record.key is None or record.timestamp < oldest_ms:
                continue
            parent = tracing.received(record.headers)
            if parent is not None:
                place = {"messaging.system": "kafka", "messaging.destination.partition.id": str(record.partition)}
                span = tracing.start("apply a suppression", parent, SpanKind.CONSUMER, attributes=place)
                self._keep(record.key, span.get_span_context())
                spans.append(span)
        return spans

    def _keep(self, key: bytes, trace: SpanContext) -> None:
        self._traces[key] = trace
        self._traces.move_to_end(key)
        if len(self._traces) > KEPT:
            self._traces.popitem(last=False)

    def of(self, account_id: str, scope: str, phone: str) -> SpanContext | None:
        """Return the trace in which this suppression came."""
        return self._traces.get(f"{account_id}|{scope}|{phone}".encode())


SUPPRESSION_TRACES = SuppressionTraces()
"""Of the process, as its metrics are."""
