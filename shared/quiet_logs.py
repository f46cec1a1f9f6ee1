"""A log that a person can read while Kafka is unavailable: its clients would write thousands of lines per second."""

import logging
import time
from collections.abc import Callable

_SILENT_SECONDS = 30.0
_CHATTY = ("aiokafka", "services.inbound.kafka_link", "opentelemetry", "urllib3")
"""The loggers that report each attempt to reach Kafka, or the collector of traces."""


class SayOnce(logging.Filter):
    """A filter that lets what one place in the code says pass once in a while, whatever the details in it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        place = (record.pathname, record.lineno)
        now = self._clock()
        if now - self._said.get(place, -_SILENT_SECONDS) < _SILENT_SECONDS:
            return False
        self._said[place] = now
        return True


def quieten(handler: logging.Handler) -> None:
    """Have `handler` write what the connection to Kafka says of its troubles once in a while."""
    said_once = SayOnce()
    handler.addFilter(lambda record: not record.name.startswith(_CHATTY) or said_once.filter(record))
