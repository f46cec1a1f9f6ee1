"""Topic `parked-messages`: records that cannot be processed, with their original bytes and the reason in headers.

Key and value are the original's, byte for byte. The id is computed from where the record stood, so that one parked
twice (a crash between parking and commit) is shown once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.errors import PoisonError
from shared.events.base import derived_id, format_time
from shared.events.codec import Headers

ORIGINAL_HEADER_PREFIX = "original_header_"
MAX_PARKED_IN_A_ROW = 100
"""Past so many bad records with no good one between them a consumer stops: a producer is broken, not a record."""
_MAX_ORIGINAL_HEADERS = 32


@dataclass(frozen=True)
class ParkedRecord:
    """What goes to `parked-messages`."""

    key: bytes | None
    value: bytes | None
    headers: Headers


def parked_id(topic: str, partition: int, offset: int) -> UUID:
    """Return the id under which an operator finds the record."""
    return derived_id(f"{topic}|{partition}|{offset}", "parked")


def park(  # noqa: PLR0913 (a record's coordinates)
    *,
    service: str,
    topic: str,
    partition: int,
    offset: int,
    key: bytes | None,
    value: bytes | None,
    headers: Iterable[tuple[str, bytes]],
    error: PoisonError,
    now: datetime,
) -> ParkedRecord:
    """Return the record to park for one that stood at `topic`, `partition`, `offset`."""
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
    kept = [(f"{ORIGINAL_HEADER_PREFIX}{name}", value or b"") for name, value in headers]
    return ParkedRecord(key, value, own + kept[:_MAX_ORIGINAL_HEADERS])
