"""Traces of a batch: a span for the whole, linked to each reply of it that is traced, and one for each in its trace."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry.trace import Span, SpanContext, SpanKind

from services.optout.decision_log.entry import Entry
from services.optout.decision_log.log import EntryOrAlike
from shared import tracing
from shared.consumer import Polled
from shared.events.codec import Headers


def traces_of(records: Sequence[Polled]) -> dict[int, SpanContext]:
    """Return the traces that records belong to, by offset, up to a limit."""
    found: dict[int, SpanContext] = {}
    for record in records:
        if record.headers and len(found) < tracing.TRACED_PER_BATCH:
            context = tracing.received(record.headers)
            if context is not None:
                found[record.offset] = context
    return found


class BatchSpans:
    """The spans of one batch; without traced records it has none, and does nothing.

    Attributes:
        headers: by which what is published about a reply goes on with its trace, by the reply's offset.
    """

    def __init__(self) -> None:
        self.headers: dict[int, Headers] = {}
        self._batch: Span | None = None
        self._spans: dict[int, Span] = {}

    def begin(self, partition: int, traces: Mapping[int, SpanContext]) -> None:
        began = time.time_ns()
        place = {"messaging.system": "kafka", "messaging.destination.partition.id": str(partition)}
        batch = tracing.start("decide a batch", None, links=list(traces.values()), attributes=place, start_ns=began)
        for offset, trace in traces.items():
            about: tracing.Attributes = {**place, "messaging.kafka.offset": offset}
            span = tracing.start(
                "decide", trace, SpanKind.CONSUMER, links=[batch.get_span_context()], attributes=about, start_ns=began
            )
            self.headers[offset], self._spans[offset] = tracing.header_of(span), span
        self._batch = batch

    def recorded(self, entries: Sequence[EntryOrAlike]) -> None:
        """Note that the decision log has the batch: what is published is not visible yet."""
        for entry in entries if self._spans else ():
            span = self._spans.get(entry.offset) if isinstance(entry, Entry) else None
            if span is not None and isinstance(entry, Entry):
                span.add_event("recorded in the decision log")
                span.set_attributes(
                    {
                        "stopline.account_id": entry.account_id,
                        "stopline.event_id": str(entry.event_id),
                        "stopline.decision": entry.kind,
                        "stopline.attribution": entry.attribution or "",
                    }
                )

    def end(self) -> None:
        for span in (*self._spans.values(), self._batch):
            if span is not None:
                span.end()


@contextmanager
def batch_spans(partition: int, traces: Mapping[int, SpanContext]) -> Iterator[BatchSpans]:
    """Trace a batch, from here to its committed transaction or its failure."""
    spans = BatchSpans()
    if traces and tracing.is_on():
        spans.begin(partition, traces)
    try:
        yield spans
    finally:
        spans.end()
