"""What a service cannot go on with is named in one log line: topic, partition, offset and cause."""

import logging
from collections.abc import Sequence
from typing import Any

import pytest

from shared.consumer import Unreadable
from shared.errors import TransientError
from shared.places import naming, place_of

log = logging.getLogger("test_places")


def records(*places: tuple[int, int]) -> Sequence[Any]:
    return [Unreadable("outbound-messages", partition, offset, offset, "", b"") for partition, offset in places]


def test_a_batch_is_named_by_the_first_offset_of_each_partition() -> None:
    assert place_of(records((0, 7), (0, 8), (3, 2))) == (
        "outbound-messages partition 0 from offset 7, outbound-messages partition 3 from offset 2"
    )
    assert place_of(records(*((number, 0) for number in range(9)))).endswith("partition 4 from offset 0 and others")


def test_an_error_that_ends_the_service_is_logged_with_its_place(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(KeyError), naming(log, records((2, 41))):
        raise KeyError("scope")
    [line] = [record.getMessage() for record in caplog.records if record.levelname == "CRITICAL"]
    assert line == "outbound-messages partition 2 from offset 41 cannot be handled, the service ends: KeyError('scope')"


def test_what_passes_is_left_to_whoever_waits_for_it(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(TransientError), naming(log, records((2, 41))):
        raise TransientError("Kafka is away")
    assert not caplog.records
