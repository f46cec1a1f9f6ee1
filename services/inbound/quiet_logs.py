"""A log that a person can read while Kafka is away: its client alone would write twenty lines a second."""

import logging
import time
from collections.abc import Callable

_SILENT_SECONDS = 30.0
_CHATTY = ("aiokafka", "services.inbound.kafka_link")


class SayOnce(logging.Filter):
    """Lets what one place in the code says pass once in a while, whatever the details in it."""

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


def quieten() -> None:
    """Filter what the connection to Kafka says of its troubles; to be called when logging is configured."""
    said_once = SayOnce()
    for handler in logging.getLogger().handlers:
        handler.addFilter(lambda record: not record.name.startswith(_CHATTY) or said_once.filter(record))
