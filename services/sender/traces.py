"""Traces of messages: a span for each that is traced, from request to outcome, in its producer's trace or its own."""

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from opentelemetry.trace import Span, SpanKind, use_span

from services.sender.ledger.model import MessageKey, Row, key_of
from shared import tracing
from shared.consumer import Polled
from shared.events.codec import Headers
from shared.events.outbound import MessageRequested
from shared.producer import OutgoingRecord
from shared.suppressions.lookup import SuppressionHit
from shared.suppressions.traced import SUPPRESSION_TRACES


class MessageTraces:
    """The spans of the messages that are handled now; of those that had to wait for their time there are none."""

    def __init__(self) -> None:
        self._spans: dict[MessageKey, Span] = {}
        self.share = 0.0
        """Of the messages whose producers do not trace them."""

    def begin(self, events: Iterable[tuple[Polled, object]]) -> None:
        """Begin a span for each message that is traced, up to a limit per batch."""
        begun = 0
        for record, event in events:
            if begun >= tracing.TRACED_PER_BATCH:
                return
            if not isinstance(event, MessageRequested) or key_of(event) in self._spans:
                continue
            parent = tracing.received(record.headers)
            if parent is None and random.random() >= self.share:  # noqa: S311 (a sample)
                continue
            begun += 1
            about: tracing.Attributes = {
                "stopline.account_id": event.account_id,
                "messaging.system": "kafka",
                "messaging.destination.partition.id": str(record.partition),
                "messaging.kafka.offset": record.offset,
            }
            self._spans[key_of(event)] = tracing.start("message", parent, SpanKind.CONSUMER, attributes=about)

    def headers_of(self, key: MessageKey) -> Headers:
        span = self._spans.get(key)
        return [] if span is None else tracing.header_of(span)

    def note(self, requests: Iterable[MessageRequested], event: str) -> None:
        """Note a step of each of these messages that is traced."""
        for request in requests if self._spans else ():
            span = self._spans.get(key_of(request))
            if span is not None:
                span.add_event(event)

    def drop_of(self, request: MessageRequested, hit: SuppressionHit) -> Span | None:
        """Begin the last span in the trace of the reply that stops a message; both traces are linked to each other."""
        reply = SUPPRESSION_TRACES.of(request.account_id, hit.scope, request.phone)
        if reply is None:
            return None
        own = self._spans.get(key_of(request))
        links = [] if own is None else [own.get_span_context()]
        about = {"stopline.account_id": request.account_id, "stopline.state": hit.state}
        span = tracing.start("drop a message", reply, links=links, attributes=about)
        if own is not None:
            own.add_link(span.get_span_context())
        return span

    def ended(self, rows: Iterable[Row]) -> None:
        """End the spans of messages whose outcome Kafka has."""
        for row in rows:
            span = self._spans.pop(row.key, None)
            if span is not None:
                span.set_attribute("stopline.outcome", row.state)
                span.end()

    def end(self) -> None:
        """End what is left of a batch: another process had these messages, or they were cancelled."""
        for span in self._spans.values():
            span.end()
        self._spans.clear()

    def call_of(self, key: MessageKey, carrier: str) -> Span | None:
        """Begin the span of a carrier call, where its message is traced; the carrier learns nothing of it."""
        own = self._spans.get(key)
        if own is None:
            return None
        about = {"stopline.carrier": carrier}
        return tracing.start("call the carrier", own.get_span_context(), SpanKind.CLIENT, attributes=about)


MESSAGE_TRACES = MessageTraces()
"""Of the process, as its metrics are."""


def marked(keys: Iterable[MessageKey], records: Iterable[OutgoingRecord]) -> list[OutgoingRecord]:
    """Return the records with the headers of their messages' traces."""
    return [record.with_headers(MESSAGE_TRACES.headers_of(key)) for key, record in zip(keys, records, strict=True)]


@contextmanager
def traced_batch(events: Iterable[tuple[Polled, object]]) -> Iterator[None]:
    """Trace the messages of a batch, as far as they are, until it is done."""
    if not tracing.is_on():
        yield
        return
    MESSAGE_TRACES.begin(events)
    try:
        yield
    finally:
        MESSAGE_TRACES.end()


@contextmanager
def traced_drops(dropped: Sequence[tuple[MessageRequested, SuppressionHit]]) -> Iterator[None]:
    """Trace that messages are dropped, each in the trace of the reply that stops it."""
    found = [MESSAGE_TRACES.drop_of(*each) for each in dropped] if tracing.is_on() else []
    try:
        yield
    finally:
        for span in found:
            if span is not None:
                span.end()


def traced_call(key: MessageKey, carrier: str) -> AbstractContextManager[object]:
    """Trace a carrier call."""
    span = MESSAGE_TRACES.call_of(key, carrier) if tracing.is_on() else None
    return _NOTHING if span is None else use_span(span, end_on_exit=True, record_exception=False)


_NOTHING = nullcontext()
