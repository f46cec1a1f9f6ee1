"""One trace follows a reply from its webhook to the message that it stops, through every process and across Kafka."""

import asyncio
import json
import time
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from confluent_kafka import Producer
from trace_receiver import ReceivedSpan, TraceReceiver

from harness.account import Account
from harness.certificates import certificates
from harness.client import ApiClient, follow_delivery_events
from harness.stack.stack import Stack

SENDER_NUMBER, TEXT = "+18335550123", "A word that nobody else writes. Reply STOP to opt out"
SETTLED = ("message_sent", "message_suppressed", "message_failed", "message_outcome_unknown", "message_rejected")
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
VALID = f"00-{TRACE}-{PARENT}-01".encode()


def _produce(bootstrap: str, account_id: str, list_id: int, phone: str, headers: list[tuple[str, bytes]]) -> str:
    request = {
        "type": "message_requested",
        "version": 1,
        "account_id": account_id,
        "message_id": str(uuid4()),
        "list_id": list_id,
        "phone": phone,
        "sender_number": SENDER_NUMBER,
        "body": TEXT,
    }
    producer = Producer({"bootstrap.servers": bootstrap})
    producer.produce("outbound-messages", json.dumps(request).encode(), key=phone.encode(), headers=headers)
    assert producer.flush(30) == 0
    return str(request["message_id"])


async def _span(traces: TraceReceiver, is_it: Callable[[ReceivedSpan], bool], claim: str) -> ReceivedSpan:
    ends = time.monotonic() + 30
    while True:
        found = next((each for each in list(traces.spans) if is_it(each)), None)
        if found is not None:
            return found
        assert time.monotonic() < ends, f"not received: {claim}"
        await asyncio.sleep(0.05)


async def test_one_trace_goes_from_the_webhook_of_a_stop_to_the_message_that_it_stops(
    stopline_stack: Stack, stopline_account: Account, traces: TraceReceiver
) -> None:
    ends, phone, account_id = (
        stopline_stack.endpoints(),
        f"+1415555{time.time_ns() % 10_000:04d}",
        stopline_account.account_id,
    )
    async with (
        ApiClient(ends.api_url, stopline_account) as api,
        follow_delivery_events(ends.kafka_bootstrap) as events,
        httpx.AsyncClient(verify=certificates(), timeout=30) as http,
    ):
        list_id = await api.create_list("traced")
        await api.add_contacts(list_id, [phone])
        first = _produce(ends.kafka_bootstrap, account_id, list_id, phone, [])
        assert (await events.of_message(first, *SETTLED)).type == "message_sent"
        form = {"from": phone, "to": SENDER_NUMBER, "body": "STOP", "message_id": str(uuid4())}
        assert (await http.post(stopline_account.webhook_url, data=form)).status_code == 200
        stopped = _produce(ends.kafka_bootstrap, account_id, list_id, phone, [("traceparent", VALID)])
        assert (await events.of_message(stopped, *SETTLED)).type == "message_suppressed"

    def mine(span: ReceivedSpan) -> bool:
        return span.attributes.get("stopline.account_id") == account_id

    drop = await _span(traces, lambda each: each.name == "drop a message" and mine(each), "the drop")
    decide = await _span(traces, lambda each: each.name == "decide" and mine(each), "the decision")
    way = await _way(traces, drop)
    assert [(each.service, each.name) for each in way] == [
        ("stopline-inbound", "webhook of clicksend"),
        ("stopline-inbound", "publish inbound-messages"),
        ("stopline-optout", "decide"),
        ("stopline-sender", "apply a suppression"),
        ("stopline-sender", "drop a message"),
    ]
    assert decide in way
    assert decide.attributes["stopline.decision"] == "opt_out"
    assert [each.start_ns for each in way] == sorted(each.start_ns for each in way)
    batch = await _span(
        traces, lambda each: each.name == "decide a batch" and decide.parent_id in each.links, "the batch"
    )
    assert batch.trace_id != decide.trace_id, "a batch has many parents: it is linked to them"
    message = await _span(traces, lambda each: each.name == "message" and each.trace_id == TRACE, "the message")
    assert (message.parent_id, message.attributes["stopline.outcome"]) == (PARENT, "suppressed")
    assert (message.span_id in drop.links, drop.span_id in message.links) == (True, True)
    called = await _span(traces, lambda each: each.name == "call the carrier", "the call of the message before")
    assert [each.name for each in await _way(traces, called)] == ["message", "call the carrier"]
    said = "".join(each.text for each in traces.spans)
    assert [
        word for word in (phone[1:], phone[-7:], SENDER_NUMBER[1:], "nobody else writes", "STOP") if word in said
    ] == []


async def _way(traces: TraceReceiver, span: ReceivedSpan) -> list[ReceivedSpan]:
    """Return the way to the span once the first of its trace has come: each process exports when it does."""
    await _span(traces, lambda _: not traces.way_to(span)[0].parent_id, "the first span of the trace")
    return traces.way_to(span)


@pytest.mark.parametrize(
    "headers",
    [
        [("traceparent", b"")],
        [("traceparent", b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01")],
        [("traceparent", b"\xff\xfe\x00 +14155550100")],
        [("traceparent", VALID + b"-more")],
        [("traceparent", VALID * 5_000)],
        [("traceparent", VALID), ("traceparent", VALID)],
        [("traceparent", VALID), ("tracestate", b"phone=+14155550100")],
    ],
    ids=["empty", "zeros", "bytes", "too long", "huge", "two", "with a state"],
)
async def test_a_message_leaves_whatever_its_producer_writes_into_the_header(
    headers: list[tuple[str, bytes]], stopline_stack: Stack, stopline_account: Account, traces: TraceReceiver
) -> None:
    ends = stopline_stack.endpoints()
    async with (
        ApiClient(ends.api_url, stopline_account) as api,
        follow_delivery_events(ends.kafka_bootstrap) as events,
    ):
        list_id = await api.create_list("odd headers")
        asked = _produce(ends.kafka_bootstrap, stopline_account.account_id, list_id, "+14155550100", headers)
        assert (await events.of_message(asked, *SETTLED)).type == "message_sent"
    assert not any("14155550100" in each.text for each in traces.spans)
