"""Bad records of one topic on their way to `parked-messages`: each by itself while they are few, else summarised.

A producer that is broken, or hostile, writes any number of them. Parking each would cost more than the good records
beside them and fill the topic. So there is a budget per minute; what is beyond it is parked as one record per poll and
partition, which says which offsets, how many and why, with a few samples. The records themselves stay where they are,
for as long as their topic keeps them.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from shared.consumer import Polled, first_offset
from shared.parked_records import Bad, causes, park_polled, summary
from shared.producer import OutgoingRecord

log = logging.getLogger(__name__)

RECORDS_A_MINUTE = 200
BYTES_A_MINUTE = 64 * 1024 * 1024
_LINES_A_MINUTE = 10
_MINUTE = 60.0


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
            self._say("a flood of bad records, they are parked as a summary: %s", some[0][0], causes(some))
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
