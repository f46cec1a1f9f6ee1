"""A partition is stuck that does not move although Kafka has more."""

from shared.suppressions.topic import StuckDetector


def test_a_partition_that_does_not_move_with_more_to_read_is_stuck() -> None:
    detector = StuckDetector(5, now=0)
    assert detector.look(5, {0: 3, 1: 7}, {0: 4, 1: 7}) == []
    assert detector.look(10, {0: 3, 1: 7}, {0: 9, 1: 7}) == [0]


def test_one_that_moves_is_not_however_far_it_lags() -> None:
    detector = StuckDetector(5, now=0)
    for position in range(5):
        assert detector.look(5, {0: position}, {0: 1000}) == []


def test_one_that_just_got_more_is_not() -> None:
    detector = StuckDetector(5, now=0)
    assert detector.look(5, {0: 3}, {0: 3}) == []
    assert detector.look(10, {0: 3}, {0: 4}) == []


def test_it_looks_as_often_as_it_is_asked() -> None:
    detector = StuckDetector(5, now=0)
    assert not detector.is_due(4.9)
    assert detector.is_due(5)
    detector.look(5, {}, {})
    assert not detector.is_due(9.9)
