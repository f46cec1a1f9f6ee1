"""From the answer to a STOP's webhook to the first message dropped because of it; and the way of one that goes out."""

import statistics
import time
from uuid import uuid4

import aiohttp
from aiokafka import AIOKafkaProducer

from benchmarks.rows import Row, row
from harness.account import Account
from harness.client import ApiClient, DeliveryEvents, create_account, follow_delivery_events
from harness.stack.stack import Stack
from shared.events import codec
from shared.events.outbound import MessageRequested
from shared.kafka import new_producer
from shared.topics import OUTBOUND_MESSAGES

_NUMBER = "+18335550123"
_FIRST_PHONE = 14_155_550_000


async def run(stack: Stack, *, quick: bool) -> list[Row]:
    """Return medians and the slowest of many people who leave, one after the other, on an idle stack."""
    times = 10 if quick else 200
    ends = stack.endpoints()
    account = await create_account(ends.api_url, ends.inbound_url, ends.admin_token, f"b-{uuid4().hex[:8]}")
    async with ApiClient(ends.api_url, account) as api:
        list_id = await api.create_list("reaction")
    bootstrap = ends.kafka_bootstrap
    dropped, sent = [], []
    async with (
        aiohttp.ClientSession() as http,
        new_producer(bootstrap) as producer,
        follow_delivery_events(bootstrap) as events,
    ):
        for n in range(times):
            phone = f"+{_FIRST_PHONE + n}"
            sent.append(await _outcome(producer, events, account, list_id, phone, "message_sent"))
            answered = await _leaves(http, account, phone)
            await _outcome(producer, events, account, list_id, phone, "message_suppressed")
            dropped.append(time.perf_counter() - answered)
    return [
        row("webhook answered to the first dropped send, median", statistics.median(dropped) * 1000, "ms"),
        row("the same, slowest of all", max(dropped) * 1000, "ms"),
        row("a message, from Kafka to what the carrier answered, median", statistics.median(sent) * 1000, "ms"),
    ]


async def _outcome(  # noqa: PLR0913, PLR0917 (what one message needs)
    producer: AIOKafkaProducer, events: DeliveryEvents, account: Account, list_id: int, phone: str, outcome: str
) -> float:
    """Send one message; return how long it took until its outcome was published."""
    request = MessageRequested(
        account_id=account.account_id,
        message_id=str(uuid4()),
        list_id=list_id,
        phone=phone,
        sender_number=_NUMBER,
        body="Our offer of the week. Reply STOP to opt out",
    )
    started = time.perf_counter()
    await producer.send_and_wait(OUTBOUND_MESSAGES, codec.encode(request), key=phone.encode())
    event = await events.of_message(request.message_id, "message_sent", "message_suppressed")
    assert event.type == outcome, event
    return time.perf_counter() - started


async def _leaves(http: aiohttp.ClientSession, account: Account, phone: str) -> float:
    """Post the STOP as ClickSend does; return when it was answered."""
    fields = {"from": phone, "to": _NUMBER, "body": "STOP", "message_id": str(uuid4())}
    async with http.post(account.webhook_url, data=fields) as answer:
        assert answer.status == 200, await answer.text()
    return time.perf_counter()
