"""Topic `parked-messages`: records that cannot be processed, with their original bytes and the reason in headers.

Key and value are the original's, byte for byte, up to a limit; size and SHA-256 say what they were. The id is computed
from where the record was, so that one parked twice (a crash between parking and commit) is shown once. When there are
too many (`shared.parking`), one record is parked as a summary of several, which says their offsets and has samples.
"""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from shared.consumer import Polled, first_offset
from shared.errors import PoisonError
from shared.events.base import derived_id, format_time
from shared.events.codec import Headers
from shared.producer import OutgoingRecord

ORIGINAL_HEADER_PREFIX = "original_header_"
MAX_VALUE_BYTES = 2 * 1024 * 1024
MAX_KEY_BYTES = 64 * 1024
MAX_HEADERS_BYTES = 64 * 1024
_MAX_ORIGINAL_HEADERS = 32
_MAX_NAME_CHARACTERS = 256
FLOOD = "flood"
_SAMPLES = 3
_SAMPLE_BYTES = 512

Bad: TypeAlias = tuple[Polled, PoisonError]
"""A record that cannot be processed, and why."""


def parked_id(topic: str, partition: int, offset: int) -> UUID:
    """Return the id under which an operator finds the record."""
    return derived_id(f"{topic}|{partition}|{offset}", "parked")


def park_polled(record: Polled, *, service: str, error: PoisonError, now: datetime) -> OutgoingRecord:
    """Return the record to park for what a consumer brought: a record, or offsets that it could not read."""
    return park(
        service=service,
        topic=record.topic,
        partition=record.partition,
        offset=first_offset(record),
        last_offset=record.offset,
        key=record.key,
        value=record.value,
        headers=record.headers,
        error=error,
        now=now,
    )


def park(  # noqa: PLR0913 (a record's coordinates)
    *,
    service: str,
    topic: str,
    partition: int,
    offset: int,
    last_offset: int | None = None,
    key: bytes | None,
    value: bytes | None,
    headers: Iterable[tuple[str, bytes | None]],
    error: PoisonError,
    now: datetime,
) -> OutgoingRecord:
    """Return the record to park for the one at `offset`, or for those from there to `last_offset`."""
    own: Headers = [
        ("parked_id", str(parked_id(topic, partition, offset)).encode()),
        ("parked_reason", error.reason.encode()),
        ("parked_detail", error.detail.encode(errors="replace")),
        ("parked_by", service.encode()),
        ("parked_at", format_time(now).encode()),
        ("original_topic", topic.encode()),
        ("original_partition", str(partition).encode()),
        ("original_offset", str(offset).encode()),
    ]
    if last_offset is not None and last_offset != offset:
        own.append(("original_last_offset", str(last_offset).encode()))
    own += _of_field("key", key, MAX_KEY_BYTES)
    own += _of_field("value", value, MAX_VALUE_BYTES)
    kept_key = None if key is None else key[:MAX_KEY_BYTES]
    kept_value = None if value is None else value[:MAX_VALUE_BYTES]
    if kept_key is None and kept_value is None:
        kept_value = b""  # Kafka's clients refuse a record that has neither
    return OutgoingRecord(kept_key, kept_value, [*own, *_kept(headers)])


def _of_field(name: str, content: bytes | None, limit_bytes: int) -> Iterator[tuple[str, bytes]]:
    if content is None:
        yield f"original_{name}_is_null", b"true"
        return
    yield f"original_{name}_bytes", str(len(content)).encode()
    yield f"original_{name}_sha256", hashlib.sha256(content).hexdigest().encode()
    if len(content) > limit_bytes:
        yield f"parked_{name}_cut_to_bytes", str(limit_bytes).encode()


def _kept(headers: Iterable[tuple[str, bytes | None]]) -> Iterator[tuple[str, bytes]]:
    left = MAX_HEADERS_BYTES
    for number, (name, content) in enumerate(headers):
        shown = f"{ORIGINAL_HEADER_PREFIX}{name[:_MAX_NAME_CHARACTERS]}"
        kept = (content or b"")[:left]
        left -= len(kept) + len(shown)
        if number == _MAX_ORIGINAL_HEADERS or left < 0:
            yield "parked_headers_cut", b"true"
            return
        yield shown, kept


def summary(bad: Sequence[Bad], *, service: str, now: datetime) -> OutgoingRecord:
    """Return one record to park for all of these, which are of one partition."""
    first, last = bad[0][0], bad[-1][0]
    place = f"{first.topic}|{first.partition}|{first_offset(first)}-{last.offset}"
    value = {
        "topic": first.topic,
        "partition": first.partition,
        "records": len(bad),
        "reasons": dict(Counter(error.reason for _, error in bad)),
        "offsets": offsets_text(record for record, _ in bad),
        "samples": [_sample(record, error) for record, error in bad[:_SAMPLES]],
    }
    headers = {
        "parked_id": str(derived_id(place, "parked")),
        "parked_reason": FLOOD,
        "parked_detail": causes(bad),
        "parked_by": service,
        "parked_at": format_time(now),
        "parked_records": str(len(bad)),
        "original_topic": first.topic,
        "original_partition": str(first.partition),
        "original_offset": str(first_offset(first)),
        "original_last_offset": str(last.offset),
    }
    encoded = [(name, text.encode(errors="replace")) for name, text in headers.items()]
    return OutgoingRecord(None, json.dumps(value).encode(), encoded)


def _sample(record: Polled, error: PoisonError) -> dict[str, object]:
    value = record.value or b""
    return {
        "offset": first_offset(record),
        "cause": str(error),
        "value_bytes": len(value),
        "value_begins_base64": base64.b64encode(value[:_SAMPLE_BYTES]).decode(),
    }


def causes(bad: Sequence[Bad]) -> str:
    """Return the reasons, each with the number of its records."""
    counted = Counter(error.reason for _, error in bad)
    return f"{len(bad)} records: " + ", ".join(f"{reason} {count}" for reason, count in counted.most_common())


def offsets_text(records: Iterable[Polled]) -> str:
    """Return offsets, which come in their order, as text such as `5-90,93`."""
    runs: list[list[int]] = []
    for record in records:
        first, last = first_offset(record), record.offset
        if runs and first <= runs[-1][1] + 1:
            runs[-1][1] = max(last, runs[-1][1])
        else:
            runs.append([first, last])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def parked_offsets(record: Polled) -> list[range]:
    """Return the offsets that a record of `parked-messages` stands for.

    Raises:
        KeyError, ValueError: it is not about offsets.
    """
    headers = dict(record.headers)
    if headers.get("parked_reason") == FLOOD.encode():
        return offsets_of(json.loads(record.value or b"")["offsets"])
    first = int(headers["original_offset"])
    return [range(first, int(headers.get("original_last_offset", first)) + 1)]


def offsets_of(text: str) -> list[range]:
    """Return the offsets that `offsets_text` wrote."""
    bounds = [part.split("-") for part in text.split(",")]
    return [range(int(each[0]), int(each[-1]) + 1) for each in bounds]
