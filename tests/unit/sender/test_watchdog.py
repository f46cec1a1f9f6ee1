"""How long a consumer did not move, from what was seen of it."""

from aiokafka import TopicPartition

from services.sender.watchdog import Stillness

ONE, TWO = TopicPartition("outbound-messages", 0), TopicPartition("outbound-messages", 1)


def test_a_consumer_with_records_waiting_that_does_not_move_is_stuck() -> None:
    stillness = Stillness()
    assert [stillness.look({ONE: (5, 9), TWO: (1, 2 + n)}, 10.0 * n) for n in range(4)] == [0, 10, 20, 30]


def test_one_that_moves_does_not() -> None:
    stillness = Stillness()
    assert [stillness.look({ONE: (5 + n, 9)}, 10.0 * n) for n in range(4)] == [0, 0, 0, 0]


def test_one_that_has_read_everything_does_not() -> None:
    stillness = Stillness()
    assert [stillness.look({ONE: (9, 9)}, 10.0 * n) for n in range(4)] == [0, 0, 0, 0]


def test_a_partition_that_was_given_away_starts_counting_again() -> None:
    stillness = Stillness()
    stillness.look({ONE: (5, 9)}, 0)
    stillness.look({}, 10)
    assert stillness.look({ONE: (5, 9)}, 20) == 0
