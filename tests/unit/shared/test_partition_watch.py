"""A process that places records by another number of partitions than there are ends."""

import asyncio

import pytest

from shared import partition_watch
from shared.errors import MisconfiguredError, TransientError
from shared.partition_watch import watch_partitions
from shared.settings import KafkaSettings


class GrowingTopic:
    """Stands in for Kafka: it has as many partitions as the list says, one answer after the other."""

    answers: list[int | None]

    def __init__(self, *_: object) -> None:
        pass

    async def look(self) -> dict[str, str]:
        number = self.answers.pop(0)
        if number is None:
            raise TransientError("no answer")
        return {"inbound-messages": f"cluster/topic/{number}"}

    async def close(self) -> None:
        pass


async def test_it_ends_once_there_are_more_and_not_while_kafka_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition_watch, "TopicIdentities", GrowingTopic)
    monkeypatch.setattr(partition_watch, "_LOOK_SECONDS", 0)
    GrowingTopic.answers = [6, None, 6, 8, 8]
    with pytest.raises(MisconfiguredError, match="has 8 partitions by now, STOPLINE_PARTITIONS is 6"):
        await asyncio.wait_for(watch_partitions(KafkaSettings(kafka_bootstrap="kafka:9092", partitions=6)), 5)
    assert GrowingTopic.answers == [8]
