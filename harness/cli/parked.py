"""`stopline parked list | show ID`: the records that could not be processed, each of them once."""

import argparse
import asyncio
import hashlib
import json
import sys
from collections import Counter, deque
from collections.abc import AsyncIterator
from typing import Any

from aiokafka import AIOKafkaConsumer

from harness.cli.running_stack import kafka_settings
from shared.consumer import Polled
from shared.kafka import SEND_SECONDS, connect, new_consumer, stop_quietly, within
from shared.parked_records import ORIGINAL_HEADER_PREFIX
from shared.topics import PARKED_MESSAGES

_FETCH_MS = 1000
_LIMIT = 100
_MAX_LIMIT = 100_000


def add_commands(commands: Any) -> None:
    group = commands.add_parser("parked", help="look at the records that could not be processed")
    actions = group.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="a line of JSON each, oldest first; the last 100 that match")
    listing.add_argument("--limit", type=int, default=_LIMIT, metavar="N", help=f"the last N that match ({_LIMIT})")
    listing.add_argument("--reason", help="only those that were parked for this reason, such as not_json")
    listing.add_argument("--topic", help="only those that came from this topic")
    listing.add_argument("--service", help="only those that this service parked, such as stopline/sender")
    listing.add_argument("--count", action="store_true", help="how many match, by topic and reason, instead")
    listing.set_defaults(run=lambda arguments: asyncio.run(_list(arguments)))
    show = actions.add_parser("show", help="write the original bytes of one record to standard output")
    show.add_argument("id")
    show.set_defaults(run=lambda arguments: asyncio.run(_show(arguments)))


async def _list(arguments: argparse.Namespace) -> int:
    """Print the records that match; keeps as many as the limit in memory, and 8 bytes for each of the others."""
    seen: set[bytes] = set()
    last: deque[dict[str, Any]] = deque(maxlen=min(max(arguments.limit, 0), _MAX_LIMIT))
    counts: Counter[tuple[str, str]] = Counter()
    async for record in _records():
        fields = describe(record)
        mark = hashlib.blake2b(fields.get("parked_id", "").encode(), digest_size=8).digest()
        if mark not in seen and _matches(fields, arguments):
            seen.add(mark)
            last.append(fields)
            counts[fields.get("original_topic", ""), fields.get("parked_reason", "")] += 1
    if arguments.count:
        for (topic, reason), number in counts.most_common():
            print(json.dumps({"original_topic": topic, "parked_reason": reason, "records": number}))
        return 0
    for fields in last:
        print(json.dumps(fields))  # in ASCII: no control character reaches a terminal
    if counts.total() > len(last):
        print(f"stopline: {counts.total()} match, these are the last {len(last)} (--limit)", file=sys.stderr)
    return 0


def _matches(fields: dict[str, Any], arguments: argparse.Namespace) -> bool:
    wanted = {
        "parked_reason": arguments.reason,
        "original_topic": arguments.topic,
        "parked_by": arguments.service,
    }
    return all(value is None or fields.get(name) == value for name, value in wanted.items())


async def _show(arguments: argparse.Namespace) -> int:
    async for record in _records():
        if describe(record).get("parked_id") == arguments.id:
            _write(record.value or b"")
            return 0
    print(f"stopline: no parked record has the id {arguments.id}; `stopline parked list` shows them", file=sys.stderr)
    return 1


def _write(value: bytes) -> None:
    """Write the bytes as they are; to a terminal, control characters are written as escapes."""
    if sys.stdout.isatty():
        text = value.decode(errors="backslashreplace")
        print("".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text))
    else:
        sys.stdout.buffer.write(value)


def describe(record: Polled) -> dict[str, Any]:
    """Return the reason, the service and the source of a parked record, and its size in bytes."""
    own = {name: value for name, value in record.headers if not name.startswith(ORIGINAL_HEADER_PREFIX)}
    text = {name: (value or b"").decode(errors="replace") for name, value in own.items()}
    return {"parked_id": f"offset-{record.offset}", **text, "value_bytes": len(record.value or b"")}


async def _records() -> AsyncIterator[Polled]:
    settings = kafka_settings()
    consumer = new_consumer(
        settings.kafka, PARKED_MESSAGES, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await connect(consumer.start(), settings.kafka)
    try:
        async for record in _to_the_end(consumer):
            yield record
    finally:
        await stop_quietly(consumer)


async def _to_the_end(consumer: AIOKafkaConsumer) -> AsyncIterator[Polled]:
    partitions = list(consumer.assignment())
    ends = await within(SEND_SECONDS, consumer.end_offsets(partitions), "asking for the end of parked-messages")
    while [
        p for p in partitions if await within(SEND_SECONDS, consumer.position(p), "asking for a position") < ends[p]
    ]:
        for records in (await consumer.getmany(timeout_ms=_FETCH_MS)).values():
            for record in records:
                yield record
