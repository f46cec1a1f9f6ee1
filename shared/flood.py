"""Bad records of one topic on their way to `parked-messages`: each by itself while they are few, else summarised.

A producer that is broken, or hostile, writes any number of them. Parking each would cost more than the good records
beside them and fill the topic. So there is a budget per minute; what is beyond it is parked as one record per poll and
partition, which says which offsets, how many and why, with a few samples. The records themselves stay where they are,
for as long as their topic keeps them.
"""

import base64
import json
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from shared.consumer import Polled, first_offset
from shared.errors import PoisonError
from shared.events.base import derived_id, format_time
from shared.parking import park_polled
from shared.producer import OutgoingRecord

log = logging.getLogger(__name__)

RECORDS_A_MINUTE = 200
BYTES_A_MINUTE = 64 * 1024 * 1024
FLOOD = "flood"
_LINES_A_MINUTE = 10
_MINUTE = 60.0
_SAMPLES = 3
_SAMPLE_BYTES = 512

Bad: TypeAlias = tuple[Polled, PoisonError]


class Parked(NamedTuple):
    """The records for `parked-messages`, and the bad records that are parked individually."""

    records: list[OutgoingRecord]
    whole: list[Bad]


class Parking:
    """A reader's way to `parked-messages`, with its budget.

    Args:
        service: who parks.
        seconds: a monotonic clock.
    """

    def __init__(self, service: str, seconds: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._seconds = seconds
        self._looked_at = seconds()
        self._records, self._bytes, self._lines = float(RECORDS_A_MINUTE), float(BYTES_A_MINUTE), float(_LINES_A_MINUTE)

    def park(self, bad: Sequence[Bad], now: datetime) -> Parked:
        """Return what is to be parked for the bad records of a poll, and which of them are parked individually."""
        self._refill()
        parked: list[OutgoingRecord] = []
        whole: list[Bad] = []
        beyond: dict[tuple[str, int], list[Bad]] = defaultdict(list)
        for record, error in bad:
            size = len(record.value or b"")
            if self._records >= 1 and self._bytes >= size:
                self._records, self._bytes = self._records - 1, self._bytes - size
                self._say("parked: %s", record, str(error))
                parked.append(park_polled(record, service=self._service, error=error, now=now))
                whole.append((record, error))
            else:
                beyond[record.topic, record.partition].append((record, error))
        for some in beyond.values():
            self._say("a flood of bad records, they are parked as a summary: %s", some[0][0], _causes(some))
            parked.append(summary(some, service=self._service, now=now))
        return Parked(parked, whole)

    def _refill(self) -> None:
        passed, self._looked_at = self._seconds() - self._looked_at, self._seconds()
        self._records = min(RECORDS_A_MINUTE, self._records + RECORDS_A_MINUTE * passed / _MINUTE)
        self._bytes = min(BYTES_A_MINUTE, self._bytes + BYTES_A_MINUTE * passed / _MINUTE)
        self._lines = min(_LINES_A_MINUTE, self._lines + _LINES_A_MINUTE * passed / _MINUTE)

    def _say(self, text: str, record: Polled, cause: str) -> None:
        if self._lines < 1:
            return
        self._lines -= 1
        place = {"topic": record.topic, "partition": record.partition, "offset": first_offset(record), "cause": cause}
        log.warning(
            text, f"{record.topic} {record.partition} at {first_offset(record)}: {cause}", extra={"fields": place}
        )


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
        "parked_detail": _causes(bad),
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


def _causes(bad: Sequence[Bad]) -> str:
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
