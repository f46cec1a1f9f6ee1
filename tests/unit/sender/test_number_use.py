"""The limits of sender numbers: tokens per second, a queue that keeps them used, and a count by the carrier's day."""

import heapq
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sender.limits.number_limits import NumberLimit
from services.sender.limits.number_use import DAY, RATE, NumberUse, burst_of, start_of_next_day, take_turn

START = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def departures(
    count: int, per_second: float, late_seconds: float = 0.0, arrivals: list[float] | None = None
) -> tuple[list[float], int]:
    """Return when each of the messages leaves if each is looked at again at its turn, a little late; and the looks."""
    limit, use, left, looks = NumberLimit(per_second=per_second), NumberUse(), [], 0
    due = [(arrival, number, False) for number, arrival in enumerate(arrivals or [0.0] * count)]
    heapq.heapify(due)
    while due:
        now, number, woken = heapq.heappop(due)
        use, turn = take_turn(use, limit, 1, at(now), woken=woken)
        looks += 1
        if turn.until is None:
            left.append(now)
        else:
            assert (turn.reason, turn.until > at(now)) == (RATE, True)
            heapq.heappush(due, ((turn.until - START).total_seconds() + late_seconds, number, True))
    return left, looks


def most_within_a_second(times: list[float]) -> int:
    return max(sum(1 for each in times if begin <= each < begin + 1 - 1e-6) for begin in times)


@pytest.mark.parametrize("per_second", [0.1, 1, 3, 20, 100])
@pytest.mark.parametrize("late_seconds", [0.0, 0.05, 0.2])
def test_what_queues_leaves_at_the_rate_and_in_no_second_more_than_a_burst_above_it(
    per_second: float, late_seconds: float
) -> None:
    count = max(10, int(per_second * 20))
    times, _ = departures(count, per_second, late_seconds)
    assert most_within_a_second(times) <= per_second + burst_of(per_second)
    assert count / (max(times) - min(times)) >= 0.9 * per_second


def test_messages_leave_in_the_order_in_which_they_came() -> None:
    limit, use = NumberLimit(per_second=1), NumberUse()
    turns = []
    for _ in range(10):
        use, turn = take_turn(use, limit, 1, at(0), woken=False)
        turns.append(turn.until or at(0))
    assert all(before < after for before, after in pairwise(turns))


def test_a_new_message_does_not_overtake_those_that_queue() -> None:
    limit, use = NumberLimit(per_second=1), NumberUse()
    for _ in range(5):
        use, _ = take_turn(use, limit, 1, at(0), woken=False)
    use, new = take_turn(use, limit, 1, at(2.5), woken=False)
    assert new.until == at(5)
    use, woken = take_turn(use, limit, 1, at(2.5), woken=True)
    assert woken.until is None


def test_after_an_outage_of_an_hour_what_was_due_leaves_first_and_is_not_looked_at_again_and_again() -> None:
    limit, use = NumberLimit(per_second=10), NumberUse()
    for _ in range(40_000):
        use, _ = take_turn(use, limit, 1, at(0), woken=False)
    end_of_queue, overdue, turns = use.queue_until, 36_000, []
    for _ in range(overdue):
        use, turn = take_turn(use, limit, 1, at(3_600), woken=True)
        turns.append(turn.until)
    assert use.queue_until == end_of_queue
    waits = [(turn - at(3_600)).total_seconds() for turn in turns if turn is not None]
    assert (len(turns) - len(waits), round(max(waits))) == (int(burst_of(10)), 3_600)


def test_a_message_of_more_segments_than_a_burst_leaves_and_the_next_ones_wait_for_it() -> None:
    limit, use = NumberLimit(per_second=1, counts="segments"), NumberUse()
    use, long = take_turn(use, limit, 5, at(0), woken=True)
    use, after = take_turn(use, limit, 1, at(1), woken=True)
    assert (long.until, after.until) == (None, at(4.8))


def test_a_day_is_that_of_the_carriers_zone_and_what_is_over_the_cap_waits_for_the_next() -> None:
    limit, use = NumberLimit(per_day=2, zone="America/Los_Angeles"), NumberUse()
    late_evening = datetime(2026, 11, 30, 7, 59, tzinfo=UTC)  # 23:59 on the 29th there
    for _ in range(2):
        use, turn = take_turn(use, limit, 1, late_evening, woken=False)
        assert turn.until is None
    use, turn = take_turn(use, limit, 1, late_evening, woken=False)
    assert turn == (datetime(2026, 11, 30, 8, 0, tzinfo=UTC), DAY)
    use, turn = take_turn(use, limit, 1, datetime(2026, 11, 30, 8, 0, tzinfo=UTC), woken=True)
    assert (turn.until, use.sent, use.day) == (None, 1, date(2026, 11, 30))


def test_what_is_over_the_days_cap_comes_back_one_after_the_other_and_before_new_messages() -> None:
    limit, use, midnight = NumberLimit(per_day=100), NumberUse(), datetime(2026, 11, 30, tzinfo=UTC)
    turns: list[datetime] = []
    for _ in range(10_100):
        use, turn = take_turn(use, limit, 1, START, woken=False)
        turns += [turn.until] if turn.until is not None else []
    assert (len(turns), turns[0], max(turns) - midnight) == (10_000, midnight, timedelta(seconds=50))
    assert max(Counter(turns).values()) == 20, "every tenth of a second: others that are due come in between"
    assert turns == sorted(turns)

    use, new = take_turn(use, limit, 1, midnight, woken=False)
    assert new == (midnight + timedelta(seconds=50), DAY)
    for turn_at in turns[:100]:
        use, turn = take_turn(use, limit, 1, turn_at, woken=True)
        assert turn.until is None
    use, over = take_turn(use, limit, 1, turns[100], woken=True)
    assert over == (midnight + timedelta(days=1), DAY)


def test_what_waits_for_tomorrow_keeps_nothing_from_leaving_today_if_there_is_room_again() -> None:
    limit, use = NumberLimit(per_day=1), NumberUse()
    for _ in range(2):
        use, _ = take_turn(use, limit, 1, START, woken=False)
    given_back = replace(use, sent=0)
    assert take_turn(given_back, limit, 1, START, woken=False)[1].until is None
    assert take_turn(use, NumberLimit(per_day=2), 1, START, woken=False)[1].until is None


def test_a_clock_that_goes_back_over_midnight_gives_no_second_day() -> None:
    limit, use = NumberLimit(per_day=1), NumberUse()
    use, _ = take_turn(use, limit, 1, datetime(2026, 11, 30, 0, 0, 1, tzinfo=UTC), woken=False)
    use, turn = take_turn(use, limit, 1, datetime(2026, 11, 29, 23, 59, 59, tzinfo=UTC), woken=False)
    assert turn == (datetime(2026, 12, 1, tzinfo=UTC), DAY)


def test_a_day_of_23_or_25_hours_ends_at_its_midnight() -> None:
    assert start_of_next_day(date(2026, 3, 8), "America/New_York") == datetime(2026, 3, 9, 4, tzinfo=UTC)
    assert start_of_next_day(date(2026, 11, 1), "America/New_York") == datetime(2026, 11, 2, 5, tzinfo=UTC)


steps = st.lists(st.tuples(st.floats(0, 3), st.booleans(), st.integers(1, 4)), min_size=1, max_size=80)


@given(steps, st.floats(0.1, 50), st.integers(1, 30))
def test_whoever_asks_whenever_the_rate_and_the_days_cap_are_kept(
    asked: list[tuple[float, bool, int]], per_second: float, per_day: int
) -> None:
    limit, use, now = NumberLimit(per_second=per_second, per_day=per_day, counts="segments"), NumberUse(), 0.0
    left: list[tuple[float, int]] = []
    for passes, woken, cost in asked:
        now += passes
        use, turn = take_turn(use, limit, cost, at(now), woken=woken)
        assert turn.until is None or turn.until > at(now)
        if turn.until is None:
            left.append((now, cost))
    assert sum(cost for _, cost in left) <= max(per_day, left[0][1] if left else 0)
    burst = burst_of(per_second)
    for first, (begin, _) in enumerate(left):
        for last in range(first, len(left)):
            end = left[last][0]
            # The last may cost more than there were tokens: those after it wait for it.
            spent = sum(cost for _, cost in left[first:last]) + min(left[last][1], burst)
            assert spent <= burst + (end - begin) * per_second + 1e-3
