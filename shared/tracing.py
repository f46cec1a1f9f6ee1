"""Traces by OpenTelemetry: the way of one message through all processes, with the time of each step.

Off unless `STOPLINE_TRACES_URL` is set: nothing here is called then; callers ask `is_on` once per batch or record. A
trace goes on across Kafka by W3C's header `traceparent`. Attributes have no text of people and no phone number: ids,
partitions, and words from our own lists; exceptions, whose texts may have both, are not recorded.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Tracer,
    get_current_span,
    set_span_in_context,
    use_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.events.codec import Headers

HEADER = "traceparent"
TRACED_PER_BATCH = 100
"""Of the records of one batch: a producer that samples everything costs no more than these."""
_LIMIT_BYTES = 128
_PROPAGATOR = TraceContextTextMapPropagator()
_tracer: Tracer | None = None

Attributes = Mapping[str, str | int | bool]


def is_on() -> bool:
    """Say whether traces are made at all."""
    return _tracer is not None


def use_tracer(tracer: Tracer | None) -> None:
    """Make spans with this tracer from now on; None: make none."""
    global _tracer  # noqa: PLW0603 (one per process, as its log and its metrics)
    _tracer = tracer


def received(headers: Iterable[tuple[str, bytes]]) -> SpanContext | None:
    """Return the context of a sampled trace that a record belongs to; None: it has none, or one that is not valid.

    Anybody may have written the header. Of several none counts, as W3C has it; `tracestate` is not read: it is text.
    """
    found = [value for name, value in headers if name.lower() == HEADER]
    if len(found) != 1 or not found[0] or len(found[0]) > _LIMIT_BYTES:
        return None
    context = _PROPAGATOR.extract({HEADER: found[0].decode("latin-1")}, Context())
    span = get_current_span(context).get_span_context()
    return span if span.is_valid and span.trace_flags.sampled else None


def start(  # noqa: PLR0913 (what a span begins with)
    name: str,
    parent: SpanContext | None,
    kind: SpanKind = SpanKind.INTERNAL,
    *,
    links: Sequence[SpanContext] = (),
    attributes: Attributes | None = None,
    start_ns: int | None = None,
) -> Span:
    """Return a span that has begun: in its parent's trace, or in a new one; whoever starts it ends it."""
    assert _tracer is not None  # noqa: S101 (callers ask `is_on`)
    context = Context() if parent is None else set_span_in_context(NonRecordingSpan(parent), Context())
    return _tracer.start_span(
        name, context, kind, attributes, [Link(each) for each in links], start_ns, record_exception=False
    )


def header_of(span: Span) -> Headers:
    """Return the header by which a record goes on with the trace of this span; none where it is not sampled."""
    carrier: dict[str, str] = {}
    if span.get_span_context().trace_flags.sampled:
        _PROPAGATOR.inject(carrier, set_span_in_context(span, Context()))
    return [(HEADER, carrier[HEADER].encode())] if HEADER in carrier else []


def with_current(headers: Headers) -> Headers:
    """Return the headers of a record that is published within a request that is traced."""
    return [*headers, *header_of(get_current_span())]


@contextmanager
def publishing(topic: str, partition: int) -> Iterator[Headers]:
    """Trace the wait for Kafka's acknowledgement of a record, which gets the yielded header."""
    current = get_current_span().get_span_context()
    if not current.trace_flags.sampled:
        yield []
        return
    about = {
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": str(partition),
    }
    span = start(f"publish {topic}", current, SpanKind.PRODUCER, attributes=about)
    try:
        yield header_of(span)
    finally:
        span.end()


class TracedApp:
    """An ASGI application whose requests are traced, each in a trace of its own, but those of health checks.

    A trace that a client asks for is not gone on with: whoever can reach a webhook could have everything traced.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/health/"):
            await self._app(scope, receive, send)
            return
        span = start(scope["method"], None, SpanKind.SERVER, attributes={"http.request.method": scope["method"]})

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                span.set_attribute("http.response.status_code", message["status"])
            await send(message)

        try:
            with use_span(span, record_exception=False, set_status_on_exception=False):
                await self._app(scope, receive, noting)
                _name_by_route(span, scope)
        finally:
            span.end()


def name_current(name: str, attributes: Attributes) -> None:
    """Name the span of the request that is handled now, and say what became of it."""
    span = get_current_span()
    span.update_name(name)
    span.set_attributes(dict(attributes))


def _name_by_route(span: Span, scope: Scope) -> None:
    """Name a request by its route, such as `/v1/numbers/{phone}`: its path may have a number in it."""
    route = getattr(scope.get("route"), "path", None)
    if route is not None:
        span.update_name(f"{scope['method']} {route}")
