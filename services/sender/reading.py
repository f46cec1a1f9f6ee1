"""The records of `outbound-messages` as requests and as bad records: pure."""

from collections.abc import Sequence

from shared.consumer import Polled
from shared.errors import PoisonError
from shared.events.outbound import MessageRequested, outbound_events
from shared.flood import Bad
from shared.reading import event_of


def read(records: Sequence[Polled]) -> tuple[list[MessageRequested], list[Bad]]:
    """Return the requests that the records are, and the records that are none, with the reason."""
    requests: list[MessageRequested] = []
    bad: list[Bad] = []
    for record in records:
        try:
            requests.append(event_of(outbound_events, record))
        except PoisonError as error:
            bad.append((record, error))
    return requests, bad
