"""A small receiver of OTLP over HTTP, as a collector has it: keeps every span that it gets."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


class ReceivedSpan(NamedTuple):
    """A span as it came; ids are hexadecimal."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start_ns: int
    links: frozenset[str]
    attributes: dict[str, str]
    text: str


class TraceReceiver:
    """A context manager with the receiver in it."""

    def __init__(self) -> None:
        self.spans: list[ReceivedSpan] = []
        spans = self.spans

        class _Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
                spans.extend(_spans(request))
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.end_headers()
                self.wfile.write(ExportTraceServiceResponse().SerializeToString())

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)

    @property
    def settings(self) -> dict[str, str]:
        url = f"http://127.0.0.1:{self._server.server_port}/v1/traces"
        return {"STOPLINE_TRACES_URL": url, "STOPLINE_TRACES_SHARE": "1"}

    def way_to(self, span: ReceivedSpan) -> list[ReceivedSpan]:
        """Return the spans from the first of the trace to this one."""
        by_id = {each.span_id: each for each in self.spans if each.trace_id == span.trace_id}
        way = [span]
        while way[0].parent_id in by_id:
            way.insert(0, by_id[way[0].parent_id])
        return way

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _spans(request: Any) -> list[ReceivedSpan]:
    return [
        ReceivedSpan(
            next(each.value.string_value for each in of.resource.attributes if each.key == "service.name"),
            span.name,
            span.trace_id.hex(),
            span.span_id.hex(),
            span.parent_span_id.hex(),
            span.start_time_unix_nano,
            frozenset(link.span_id.hex() for link in span.links),
            {each.key: str(each.value.string_value or each.value.int_value) for each in span.attributes},
            str(span),
        )
        for of in request.resource_spans
        for scope in of.scope_spans
        for span in scope.spans
    ]
