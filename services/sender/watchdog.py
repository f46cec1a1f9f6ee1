"""Watches the consumers: whether Kafka answers them, and whether one is stuck, as happens after a broker's restart."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.errors import RestartNeededError, TransientError
from shared.kafka import within

_LOOK_SECONDS = 2.0
_ANSWER_SECONDS = 3.0
_STUCK_SECONDS = 30.0
_NOBODY_SECONDS = 300.0
_STALE_SECONDS = 10.0
_SILENT_SECONDS = 60.0


class ConsumerStuckError(RestartNeededError):
    """A consumer did not move although Kafka had more for it."""


@dataclass(slots=True)
class Stillness:
    """A record of how long each partition has not moved with records waiting; no I/O, the caller gives the time."""

    since: dict[TopicPartition, tuple[int, float]] = field(default_factory=dict)

    def look(self, positions: dict[TopicPartition, tuple[int, int]], now: float) -> float:
        """Take note of (position, end) of each partition; return how long the stillest of them has not moved."""
        before, self.since = self.since, {}
        for tp, (position, end) in positions.items():
            if position < end:
                was, since = before.get(tp, (position, now))
                self.since[tp] = position, since if was == position else now
        return max((now - since for _, since in self.since.values()), default=0.0)

    @property
    def where(self) -> str:
        """Topic, partition and offset of what has not moved for longest."""
        tp, (position, _) = min(self.since.items(), key=lambda each: each[1][1])
        return f"{tp.topic} partition {tp.partition} at offset {position}"


@dataclass(slots=True)
class Watched:
    """A consumer, its topic, and whether a batch of it is being handled."""

    consumer: AIOKafkaConsumer
    topic: str
    is_busy: Callable[[], bool]
    stillness: Stillness = field(default_factory=Stillness)


class Watchdog:
    """A watchdog whose `watch` looks now and then until cancelled.

    Args:
        watched: the consumers.
        kafka_problem: asks Kafka by another connection than theirs; None: it answers.
    """

    def __init__(self, watched: Iterable[Watched], kafka_problem: Callable[[], Awaitable[str | None]]) -> None:
        self._watched = list(watched)
        self._kafka_problem = kafka_problem
        self._answered_at = time.monotonic()
        self._silent_since: float | None = None
        self.stuck: str | None = None
        """Where a consumer does not move with records waiting, and for how long; None: nowhere."""

    @property
    def kafka_answers(self) -> bool:
        return time.monotonic() - self._answered_at < _STALE_SECONDS

    async def watch(self) -> None:
        """Look until cancelled.

        Raises:
            ConsumerStuckError: a consumer that nothing keeps busy did not move for too long, with records waiting; or
                one got no answer for too long although Kafka answers others.
        """
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                stuck = [await _look(each) for each in self._watched]
                self.stuck = next(filter(None, stuck), None)
                self._answered_at, self._silent_since = time.monotonic(), None
            except (TransientError, KafkaError) as error:
                await self._note_silence(error)

    async def _note_silence(self, error: Exception) -> None:
        """Distinguish a Kafka that is unavailable, so that nothing can arrive, from a consumer that has lost it."""
        now = time.monotonic()
        if await self._kafka_problem() is not None:
            self._silent_since = None
        elif self._silent_since is None:
            self._silent_since = now
        elif now - self._silent_since > _SILENT_SECONDS:
            silent_seconds = now - self._silent_since
            raise ConsumerStuckError(f"no answer for {silent_seconds:.0f} s although Kafka answers others: {error!r}")


async def _look(watched: Watched) -> str | None:
    consumer = watched.consumer
    mine = consumer.assignment()
    positions = await (_positions(consumer, mine) if mine else _committed(consumer, watched.topic))
    still_seconds = watched.stillness.look({} if watched.is_busy() else positions, time.monotonic())
    if not still_seconds:
        return None
    what = f"{watched.stillness.where} has not been read for {still_seconds:.0f} s, with records waiting"
    if still_seconds > (_STUCK_SECONDS if mine else _NOBODY_SECONDS):
        raise ConsumerStuckError(what)
    return what if mine else None


async def _positions(
    consumer: AIOKafkaConsumer, mine: Iterable[TopicPartition]
) -> dict[TopicPartition, tuple[int, int]]:
    ends = await within(_ANSWER_SECONDS, consumer.end_offsets(mine), "asking for the ends")
    return {tp: (await within(_ANSWER_SECONDS, consumer.position(tp), "a position"), ends[tp]) for tp in mine}


async def _committed(consumer: AIOKafkaConsumer, topic: str) -> dict[TopicPartition, tuple[int, int]]:
    """Return how far the group is: a consumer without partitions may be one too many, or one that Kafka has lost."""
    everything = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
    ends = await within(_ANSWER_SECONDS, consumer.end_offsets(everything), "asking for the ends")
    committed = {tp: await within(_ANSWER_SECONDS, consumer.committed(tp), "a committed offset") for tp in everything}
    return {tp: (committed[tp] or 0, ends[tp]) for tp in everything}
