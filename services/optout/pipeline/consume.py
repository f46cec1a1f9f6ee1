"""What a batch of Kafka records holds: messages to decide, markers to pass, records to park."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aiokafka import ConsumerRecord

from services.optout.record.batch import Received
from shared.errors import PoisonError
from shared.events.codec import decode
from shared.events.inbound import FenceMarkerAppended, inbound_events
from shared.parking import MAX_PARKED_IN_A_ROW, ParkedRecord, park

SERVICE = "stopline/optout"


@dataclass(frozen=True, slots=True)
class Parsed:
    """`parked_in_a_row` counts the bad records at the end, those of earlier batches included."""

    first_offset: int
    next_offset: int
    received: Sequence[Received]
    parked: Sequence[ParkedRecord]
    parked_in_a_row: int


class TooManyParkedError(Exception):
    """So many bad records in a row that a producer must be broken; a person has to look."""


def parse(records: Sequence[ConsumerRecord], parked_in_a_row: int, now: datetime) -> Parsed:
    """Read the records of one partition.

    Raises:
        TooManyParkedError: the bad records in a row are more than `MAX_PARKED_IN_A_ROW`.
    """
    received: list[Received] = []
    parked: list[ParkedRecord] = []
    for record in records:
        try:
            event = decode(inbound_events, record.value)
        except PoisonError as error:
            parked_in_a_row += 1
            parked.append(_parked(record, error, now))
            if parked_in_a_row > MAX_PARKED_IN_A_ROW:
                raise TooManyParkedError(
                    f"{MAX_PARKED_IN_A_ROW} records in a row of {record.topic} {record.partition} cannot be read,"
                    f" the last at offset {record.offset} ({error}); find what writes them, then restart the service"
                ) from None
        else:
            parked_in_a_row = 0
            if not isinstance(event, FenceMarkerAppended):
                received.append(Received(record.offset, event))
    return Parsed(records[0].offset, records[-1].offset + 1, received, parked, parked_in_a_row)


def _parked(record: ConsumerRecord, error: PoisonError, now: datetime) -> ParkedRecord:
    return park(
        service=SERVICE,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        headers=record.headers,
        error=error,
        now=now,
    )
