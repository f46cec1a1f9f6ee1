"""The export of traces to a collector by OTLP over HTTP: in a thread of its own, which nothing waits for.

A collector that is unavailable or slow costs spans and nothing else: the queue has a limit, a call a deadline.
"""

import threading
from collections.abc import Callable, Sequence

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from shared import metrics, tracing

QUEUE_SPANS = 2_048
_BATCH_SPANS = 256
_EVERY_MS = 1_000
_CALL_SECONDS = 3.0
_END_SECONDS = 2.0
_LIMITS = SpanLimits(max_attributes=32, max_attribute_length=128, max_links=128, max_events=32)


class _ByLinks(Sampler):
    """A sampler of new traces: a share of all, and the span of a batch where it is linked to a sampled trace.

    A message without a trace of its producer is one of the share already where a span of it is begun: a second draw
    would leave the share of the share.
    """

    def __init__(self, share: float) -> None:
        self._share = TraceIdRatioBased(share)

    def should_sample(  # noqa: PLR0913, PLR0917 (the SDK's interface)
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        is_linked = any(link.context.trace_flags.sampled for link in links or ())
        chosen = ALWAYS_ON if is_linked or kind is SpanKind.CONSUMER else self._share
        return chosen.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        return f"a share of traces, and batches linked to them: {self._share.get_description()}"


class _Counting(SpanExporter):
    """An exporter that counts what could not be exported."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._waiting = 0
        self._is_shut = False
        self._lock = threading.Lock()

    def may_wait(self) -> bool:
        """Count one more span that waits, unless as many do as may."""
        with self._lock:
            is_full = self._waiting >= QUEUE_SPANS
            self._waiting += not is_full
            return not is_full

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with self._lock:
            self._waiting -= len(spans)
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            metrics.SPANS_DROPPED.inc(len(spans))
        return result

    def shutdown(self) -> None:
        with self._lock:
            is_first, self._is_shut = not self._is_shut, True
        if is_first:
            self._exporter.shutdown()


class _Queue(BatchSpanProcessor):
    """A queue that drops the newest span where it is full, and counts it."""

    def __init__(self, exporter: _Counting) -> None:
        super().__init__(
            exporter, max_queue_size=QUEUE_SPANS, schedule_delay_millis=_EVERY_MS, max_export_batch_size=_BATCH_SPANS
        )
        self._counting = exporter

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is None or not span.context.trace_flags.sampled:
            return
        if self._counting.may_wait():
            super().on_end(span)
        else:
            metrics.SPANS_DROPPED.inc()


def start_tracing(service: str, url: str, share: float) -> Callable[[], None]:
    """Have traces made and exported from now on; return what ends that, within two seconds.

    Args:
        service: the name of the process.
        url: of the collector, the path included, such as http://collector:4318/v1/traces.
        share: of the traces that begin here, between 0 and 1.
    """
    provider = TracerProvider(
        ParentBased(_ByLinks(share)),
        Resource({"service.name": f"stopline-{service}"}),
        shutdown_on_exit=False,
        span_limits=_LIMITS,
    )
    exporter = _Counting(OTLPSpanExporter(url, timeout=_CALL_SECONDS))
    provider.add_span_processor(_Queue(exporter))
    tracing.use_tracer(provider.get_tracer("stopline"))

    def end() -> None:
        tracing.use_tracer(None)
        ending = threading.Thread(target=provider.shutdown, daemon=True)
        ending.start()
        ending.join(_END_SECONDS)
        if ending.is_alive():
            exporter.shutdown()  # what still waits is dropped: a call for each batch would take half a minute

    return end
