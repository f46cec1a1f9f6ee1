"""Traces: what a record's header may be, and that neither their export nor its failure is noticed by anybody."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from opentelemetry.trace import SpanContext
from starlette.types import Receive, Scope, Send

from shared import metrics, trace_export, tracing
from shared.trace_export import QUEUE_SPANS, start_tracing

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
VALID = f"00-{TRACE}-{PARENT}-01".encode()


@pytest.fixture
def silent_collector() -> Iterator[str]:
    """A collector that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1/traces"


def test_a_valid_header_is_gone_on_with() -> None:
    context = tracing.received([("ce_id", b"x"), ("Traceparent", VALID)])
    assert context is not None
    assert (f"{context.trace_id:032x}", f"{context.span_id:016x}") == (TRACE, PARENT)


@pytest.mark.parametrize(
    "values",
    [
        [],
        [b""],
        [VALID, VALID],
        [VALID[:-1] + b"0"],
        [VALID[:-2]],
        [VALID + b"-more"],
        [b"ff" + VALID[2:]],
        [b"00-" + b"0" * 32 + VALID[35:]],
        [VALID[:36] + b"0" * 16 + b"-01"],
        [VALID.upper()],
        [b"\xff\xfe"],
        [VALID * 100],
    ],
)
def test_any_other_header_is_ignored(values: list[bytes]) -> None:
    assert tracing.received([("traceparent", each) for each in values]) is None


def test_nothing_is_made_without_a_collector() -> None:
    assert not tracing.is_on()
    headers = [("ce_id", b"x")]
    assert tracing.with_current(headers) == headers


@pytest.mark.parametrize("is_there", [True, False], ids=["one that hangs", "none"])
def test_a_collector_that_does_not_answer_delays_nothing_and_is_counted(
    silent_collector: str, *, is_there: bool
) -> None:
    before, threads = metrics.SPANS_DROPPED._value.get(), set(threading.enumerate())
    end = start_tracing("test", silent_collector if is_there else "http://127.0.0.1:1/v1/traces", 1.0)
    try:
        began = time.monotonic()
        for _ in range(QUEUE_SPANS * 3):
            tracing.start("a step", None).end()
        assert time.monotonic() - began < 20, (
            "nobody waits for the collector, which has three seconds for each of 24 batches"
        )
        assert metrics.SPANS_DROPPED._value.get() - before >= QUEUE_SPANS
    finally:
        began = time.monotonic()
        end()
        assert time.monotonic() - began < 3
    assert not tracing.is_on()
    for thread in set(threading.enumerate()) - threads:
        thread.join(10)
        assert not thread.is_alive(), f"{thread.name} goes on exporting"


@pytest.mark.parametrize(("share", "linked", "expected"), [(0.0, False, 0), (0.0, True, 1), (1.0, False, 1)])
def test_a_batch_is_sampled_where_a_record_of_it_is(
    monkeypatch: pytest.MonkeyPatch, share: float, expected: int, *, linked: bool
) -> None:
    monkeypatch.setattr(trace_export, "_END_SECONDS", 0.1)
    end = start_tracing("test", "http://127.0.0.1:1/v1/traces", share)
    try:
        links: list[SpanContext] = [context for context in [tracing.received([("traceparent", VALID)])] if context]
        span = tracing.start("decide a batch", None, links=links if linked else ())
        span.end()
        assert span.get_span_context().trace_flags.sampled == expected
        assert len(tracing.header_of(span)) == expected
    finally:
        end()


async def test_a_request_ends_its_span_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(trace_export, "_END_SECONDS", 0.1)
    end = start_tracing("test", "http://127.0.0.1:1/v1/traces", 1.0)

    async def app(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def nowhere(_: object) -> None: ...

    async def nothing() -> dict[str, object]:
        return {}

    try:
        await tracing.TracedApp(app)({"type": "http", "path": "/v1/lists", "method": "GET"}, nothing, nowhere)
    finally:
        end()
    assert [line.getMessage() for line in caplog.records if "ended span" in line.getMessage()] == []
