"""A partition begins where everything before is both recorded and published, or not at all (G4)."""

from dataclasses import replace

import pytest

from services.optout.decision_log.position import Position
from services.optout.decision_log.topics import Topics
from services.optout.pipeline.start import MissingRecordsError, checked_topics, choose_start


def recorded(next_offset: int) -> Position:
    return Position(next_offset, 0, 0, b"", 0, 0)


@pytest.mark.parametrize(
    ("in_postgres", "committed", "beginning", "end", "offset"),
    [
        (70, 50, 0, 90, 50),  # died between Postgres and Kafka
        (50, 70, 0, 90, 50),  # Postgres was restored from a backup
        (50, None, 10, 90, 10),  # the committed offset has expired: publish again what there is
        (0, None, 0, 0, 0),  # the first start
        (0, None, 30, 90, 30),  # the first start, on a topic whose oldest records are gone
        (90, 90, 90, 90, 90),
    ],
)
def test_it_begins_at_the_smaller_of_the_two(
    in_postgres: int, committed: int | None, beginning: int, end: int, offset: int
) -> None:
    assert choose_start(recorded(in_postgres), committed, beginning, end).offset == offset


@pytest.mark.parametrize("committed", [None, 20, 50, 70])
def test_what_another_number_of_partitions_has_placed_is_never_read_again(committed: int | None) -> None:
    at = replace(recorded(60), read_from=50)
    assert choose_start(at, committed, 0, 90).offset == max(50, min(60, committed or 0))


@pytest.mark.parametrize(
    ("in_postgres", "committed", "beginning", "end", "says"),
    [
        (91, 80, 0, 90, "ends at 90, but 91 is decided"),
        (80, 91, 0, 90, "ends at 90, but 91 is decided"),
        (20, 50, 30, 90, "begins at 30, but 20 is the next to decide"),
        (50, 20, 30, 90, "begins at 30, but 20 is the next to decide"),
        (0, 50, 30, 90, "begins at 30, but 0 is the next to decide"),
    ],
)
def test_it_refuses_where_kafka_lacks_what_must_be_decided_or_was_decided(
    in_postgres: int, committed: int | None, beginning: int, end: int, says: str
) -> None:
    with pytest.raises(MissingRecordsError, match=says):
        choose_start(recorded(in_postgres), committed, beginning, end)


@pytest.mark.parametrize(
    ("recorded_as", "says"),
    [("cluster/topic/3", "run `stopline partitions change 8`"), ("cluster/another/8", "it was recreated")],
)
def test_a_topic_that_others_gave_more_partitions_is_not_to_be_adopted(recorded_as: str, says: str) -> None:
    ids = dict.fromkeys(("inbound-messages", "delivery-events", "suppressions"), "cluster/topic/8")
    with pytest.raises(MissingRecordsError, match=says):
        checked_topics(Topics(recorded_as, None, None), ids)
