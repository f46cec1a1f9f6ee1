"""When a phone wrote: one text a second, however fast a test is."""

from harness.sandbox.clock import WritingTimes


def test_no_two_texts_of_a_phone_are_of_one_second() -> None:
    writing = WritingTimes(max_phones=2, max_ahead_seconds=60)
    assert [writing.next("a", 100) for _ in range(3)] == [100, 101, 102]
    assert (writing.next("b", 100), writing.next("a", 200)) == (100, 200)


def test_a_phone_is_at_most_so_far_ahead_and_only_a_limited_number_of_are_remembered() -> None:
    writing = WritingTimes(max_phones=2, max_ahead_seconds=2)
    assert [writing.next("a", 100) for _ in range(5)] == [100, 101, 102, 102, 102]
    assert [writing.next(phone, 100) for phone in ("b", "c", "a")] == [100, 100, 100]
