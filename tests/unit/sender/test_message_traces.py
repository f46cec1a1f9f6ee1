"""Traces of messages: each is of its own record, and as many are made as the share says."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Span

from services.sender.ledger.model import MessageKey
from services.sender.traces import MessageTraces
from shared import trace_export
from shared.events.codec import decode
from shared.events.outbound import outbound_event_adapter
from shared.trace_export import start_tracing

REQUEST = (
    '{"type": "message_requested", "version": 1, "account_id": "acme", "message_id": "%s", "list_id": 1,'
    ' "phone": "+14155550100", "sender_number": "+18335550123", "body": "Sale. Reply STOP to opt out"}'
)


@pytest.fixture
def share(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[float]:
    monkeypatch.setattr(trace_export, "_END_SECONDS", 0.1)
    found: float = request.param
    end = start_tracing("test", "http://127.0.0.1:1/v1/traces", found)
    yield found
    end()


def _asked(message_id: str, partition: int, offset: int, trace: str | None = None) -> tuple[Any, object]:
    headers = [] if trace is None else [("traceparent", f"00-{trace * 16}-00f067aa0ba902b7-01".encode())]
    event = decode(outbound_event_adapter, (REQUEST % message_id).encode())
    return SimpleNamespace(partition=partition, offset=offset, headers=headers), event


def _spans(traces: MessageTraces) -> dict[MessageKey, Span]:
    return dict(traces._spans)


@pytest.mark.parametrize("share", [0.0], indirect=True)
def test_messages_at_one_offset_of_two_partitions_have_each_its_own_trace(share: float) -> None:
    traces = MessageTraces()
    traces.share = share
    traces.begin([_asked("m-1", 0, 5, "aa"), _asked("m-2", 1, 5, "bb"), _asked("m-3", 2, 5)])
    found = {key[1]: f"{span.get_span_context().trace_id:032x}" for key, span in _spans(traces).items()}
    assert found == {"m-1": "aa" * 16, "m-2": "bb" * 16}
    traces.end()


@pytest.mark.parametrize("share", [0.5], indirect=True)
def test_of_the_messages_that_nobody_traces_a_share_is_traced_and_not_the_share_of_the_share(share: float) -> None:
    traces, traced = MessageTraces(), 0
    traces.share = share
    for number in range(1_000):
        traces.begin([_asked(f"m-{number}", 0, number)])
        traced += sum(span.get_span_context().trace_flags.sampled for span in _spans(traces).values())
        traces.end()
    assert 400 < traced < 600


@pytest.mark.parametrize("share", [1.0], indirect=True)
def test_a_message_that_comes_twice_in_a_batch_has_one_span_which_ends(share: float) -> None:
    traces = MessageTraces()
    traces.share = share
    traces.begin([_asked("m-1", 0, 5)])
    (first,) = _spans(traces).values()
    traces.begin([_asked("m-1", 0, 6)])
    traces.end()
    assert isinstance(first, ReadableSpan)
    assert first.end_time is not None
