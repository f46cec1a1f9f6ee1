"""How long a consumer did not move, from what was seen of it."""

import asyncio
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from services.sender import watchdog
from services.sender.watchdog import ConsumerStuckError, Stillness, Watchdog, Watched

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


class LostConsumer:
    """A consumer of which no question is answered any more, as after some restarts of a broker."""

    def assignment(self) -> set[TopicPartition]:
        return {ONE}

    async def end_offsets(self, _: Any) -> dict[TopicPartition, int]:
        raise KafkaError("no coordinator")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(watchdog, "_SILENT_SECONDS", 0.1)


def watching(problem: str | None) -> Watchdog:
    async def kafka_problem() -> str | None:
        return problem

    consumer: Any = LostConsumer()
    return Watchdog([Watched(consumer, "outbound-messages", lambda: False)], kafka_problem)


@pytest.mark.usefixtures("quick")
async def test_a_consumer_that_gets_no_answer_although_kafka_answers_others_is_stuck() -> None:
    with pytest.raises(ConsumerStuckError, match="although Kafka answers others"):
        await asyncio.wait_for(watching(None).watch(), 5)


@pytest.mark.usefixtures("quick")
async def test_a_consumer_that_gets_no_answer_while_kafka_is_unavailable_is_waited_for() -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(watching("Kafka does not answer").watch(), 0.5)
