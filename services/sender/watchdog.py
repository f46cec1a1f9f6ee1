"""Ends the process where a consumer is stuck: Kafka has records for it and none arrive, as after a broker's restart."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.errors import TransientError
from shared.kafka import SEND_SECONDS, within

log = logging.getLogger(__name__)

_LOOK_SECONDS = 10.0
_STUCK_LOOKS = 3


class ConsumerStuckError(Exception):
    """A consumer stood still although Kafka had more for it."""


async def watch(subscribers: Sequence[Any], is_busy: Callable[[], bool]) -> None:
    """Look now and then, until cancelled.

    Raises:
        ConsumerStuckError: a consumer that nothing keeps busy stood still three looks long, with records waiting.
    """
    still: dict[tuple[int, TopicPartition], tuple[int, int]] = {}
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        for number, subscriber in enumerate(subscribers):
            try:
                lags = await _lags(subscriber.consumer)
            except (TransientError, KafkaError, OSError):
                continue  # Kafka is away: nothing can arrive
            for tp, (position, lag) in lags.items():
                before, looks = still.get((number, tp), (-1, 0))
                looks = looks + 1 if lag > 0 and position == before and not is_busy() else 0
                still[number, tp] = position, looks
                if looks >= _STUCK_LOOKS:
                    raise ConsumerStuckError(
                        f"{tp.topic} {tp.partition} stands at {position} with {lag} records waiting"
                    )


async def _lags(consumer: AIOKafkaConsumer | None) -> dict[TopicPartition, tuple[int, int]]:
    if consumer is None:
        return {}
    mine = list(consumer.assignment())
    ends = await within(SEND_SECONDS, consumer.end_offsets(mine), "asking for the ends") if mine else {}
    positions = {tp: await within(SEND_SECONDS, consumer.position(tp), "asking for a position") for tp in mine}
    return {tp: (position, ends[tp] - position) for tp, position in positions.items()}
