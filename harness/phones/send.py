"""Requests messages in Kafka, as the systems of a business do, which know nothing of a STOP."""

import asyncio
from collections.abc import Iterable
from uuid import uuid4

from harness.phones.cast import SENDER_NUMBER
from shared.events import codec
from shared.events.outbound import MessageRequested
from shared.kafka import SEND_SECONDS, connect, new_producer, stop_quietly, within
from shared.kafka_connection import Kafka
from shared.topics import OUTBOUND_MESSAGES

_SOURCE = "stopline/phones"


async def request_messages(kafka: Kafka, account_id: str, list_id: int, phones: Iterable[str], text: str) -> None:
    """Request a message to each phone, as any producer would; returns once Kafka has acknowledged all.

    Raises:
        TransientError: Kafka is unavailable.
    """
    producer = new_producer(kafka)
    try:
        await connect(producer.start(), kafka)
        requests = [_request(account_id, list_id, phone, text) for phone in phones]
        sends = [
            producer.send_and_wait(
                OUTBOUND_MESSAGES,
                codec.encode(request),
                key=request.phone.encode(),
                headers=codec.cloud_event_headers(request, _SOURCE),
            )
            for request in requests
        ]
        await within(SEND_SECONDS, asyncio.gather(*sends), "requesting messages")
    finally:
        await stop_quietly(producer)


def _request(account_id: str, list_id: int, phone: str, text: str) -> MessageRequested:
    return MessageRequested(
        account_id=account_id,
        message_id=f"phones-{uuid4()}",
        list_id=list_id,
        phone=phone,
        sender_number=SENDER_NUMBER,
        body=text,
    )
