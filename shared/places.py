"""Where records are, in words, for the one log line that says what a service cannot go on with."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from shared.consumer import Polled, first_offset
from shared.errors import TransientError

_MAX_PLACES = 5


def place_of(records: Sequence[Polled]) -> str:
    """Return topic, partition and first offset of a batch; those of its first five partitions if there are several."""
    firsts: dict[tuple[str, int], int] = {}
    for record in records:
        firsts.setdefault((record.topic, record.partition), first_offset(record))
    shown = [f"{topic} partition {number} from offset {at}" for (topic, number), at in firsts.items()]
    return ", ".join(shown[:_MAX_PLACES]) + (" and others" if len(shown) > _MAX_PLACES else "")


@contextmanager
def naming(log: logging.Logger, records: Sequence[Polled]) -> Iterator[None]:
    """Log where the records are if they cannot be handled: an error that does not pass ends the service."""
    try:
        yield
    except TransientError:
        raise
    except Exception as error:
        log.critical("%s cannot be handled, the service ends: %r", place_of(records), error)
        raise
