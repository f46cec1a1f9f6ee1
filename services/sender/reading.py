"""The records of `outbound-messages` as requests and as bad records: pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from aiokafka import ConsumerRecord

from shared.errors import PoisonError
from shared.events.codec import decode
from shared.events.outbound import MessageRequested, outbound_events

Bad = tuple[ConsumerRecord, PoisonError]


@dataclass(slots=True)
class Read:
    """`bad_in_a_row` counts on from batch to batch; past the limit nothing more of a batch is read."""

    handled: Sequence[ConsumerRecord] = ()
    requests: list[MessageRequested] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    bad_in_a_row: int = 0


def read(records: Sequence[ConsumerRecord], bad_in_a_row: int, at_most_bad_in_a_row: int) -> Read:
    """Read up to where too many bad records stand in a row; `handled` is what was read."""
    result = Read(records, bad_in_a_row=bad_in_a_row)
    for at, record in enumerate(records):
        try:
            result.requests.append(decode(outbound_events, record.value))
            result.bad_in_a_row = 0
        except PoisonError as error:
            if result.bad_in_a_row == at_most_bad_in_a_row:
                result.handled = records[:at]
                return result
            result.bad.append((record, error))
            result.bad_in_a_row += 1
    return result
