"""A worker is in order only while it decides: not in between two failures, and not in a batch that does not end."""

from services.optout.pipeline.condition import Condition


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_worker_that_has_nothing_to_do_is_in_order() -> None:
    condition = Condition(Clock())
    assert condition.trouble() == "starting at offset None"
    condition.runs(7)
    assert condition.trouble() is None


def test_what_failed_is_named_with_its_offset_until_a_batch_is_decided() -> None:
    clock = Clock()
    condition = Condition(clock)
    condition.runs(7)
    condition.begins(9)
    condition.fails("starting", "Postgres is away")
    assert condition.trouble() == "starting at offset 9: Postgres is away"
    condition.runs(9)
    assert condition.trouble() == "just recovered at offset 9: Postgres is away"
    condition.begins(9)
    condition.ends(12)
    assert condition.trouble() is None


def test_a_worker_that_recovered_and_has_nothing_to_do_is_in_order_after_two_seconds() -> None:
    clock = Clock()
    condition = Condition(clock)
    condition.fails("starting", "Kafka is away")
    condition.runs(3)
    clock.now += 2
    assert condition.trouble() is None


def test_a_batch_that_does_not_end_is_trouble() -> None:
    clock = Clock()
    condition = Condition(clock)
    condition.runs(7)
    condition.begins(7)
    assert condition.trouble() is None
    clock.now += 2.5
    assert condition.trouble() == "the batch at offset 7 has been under way for 2 s"
