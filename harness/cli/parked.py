"""`stopline parked list | show ID`: the records that could not be processed, once each."""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord

from shared.kafka import SEND_SECONDS, START_SECONDS, new_consumer, stop_quietly, within
from shared.parking import ORIGINAL_HEADER_PREFIX
from shared.settings import KafkaSettings, load
from shared.topics import PARKED_MESSAGES

_FETCH_MS = 1000


def add_commands(commands: Any) -> None:
    group = commands.add_parser("parked", help="look at the records that could not be processed")
    actions = group.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="a line of JSON each, oldest first")
    listing.set_defaults(run=lambda _: asyncio.run(_list()))
    show = actions.add_parser("show", help="write the original bytes of one record to standard output")
    show.add_argument("id")
    show.set_defaults(run=lambda arguments: asyncio.run(_show(arguments)))


async def _list() -> int:
    seen: set[str] = set()
    async for record in _records():
        fields = describe(record)
        if fields.get("parked_id", "") not in seen:
            seen.add(fields.get("parked_id", ""))
            print(json.dumps(fields))
    return 0


async def _show(arguments: argparse.Namespace) -> int:
    async for record in _records():
        if describe(record).get("parked_id") == arguments.id:
            sys.stdout.buffer.write(record.value or b"")
            return 0
    print(f"stopline: no parked record has the id {arguments.id}; `stopline parked list` shows them", file=sys.stderr)
    return 1


def describe(record: ConsumerRecord) -> dict[str, Any]:
    """Return why, by whom and from where a record was parked, and its size in bytes."""
    own = {name: value for name, value in record.headers if not name.startswith(ORIGINAL_HEADER_PREFIX)}
    text = {name: value.decode(errors="replace") for name, value in own.items()}
    return {**text, "value_bytes": len(record.value or b"")}


async def _records() -> AsyncIterator[ConsumerRecord]:
    settings = load(KafkaSettings)
    consumer = new_consumer(
        settings.kafka, PARKED_MESSAGES, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await within(START_SECONDS, consumer.start(), "connecting to Kafka")
    try:
        async for record in _to_the_end(consumer):
            yield record
    finally:
        await stop_quietly(consumer)


async def _to_the_end(consumer: AIOKafkaConsumer) -> AsyncIterator[ConsumerRecord]:
    partitions = list(consumer.assignment())
    ends = await within(SEND_SECONDS, consumer.end_offsets(partitions), "asking for the end of parked-messages")
    while [
        p for p in partitions if await within(SEND_SECONDS, consumer.position(p), "asking for a position") < ends[p]
    ]:
        for records in (await consumer.getmany(timeout_ms=_FETCH_MS)).values():
            for record in records:
                yield record
