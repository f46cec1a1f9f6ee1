"""The producer, the admin client and the bare client of a simulated Kafka, as the services use those of aiokafka."""

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError
from aiokafka.partitioner import murmur2
from aiokafka.structs import OffsetAndMetadata

from simulation.kafka_log import Broker, Record, encoded
from simulation.network import Line, settle
from simulation.virtual_loop import SimulatedProcess, process_now

_OFFSET_UNKNOWN_SHARE = 0.2


class SimulatedBatch:
    """A batch that is being filled."""

    def __init__(self, limit_bytes: int) -> None:
        self.records: list[Record] = []
        self._left = limit_bytes

    def append(self, *, key: Any, value: Any, timestamp: Any, headers: Any) -> bool | None:
        size = len(key or b"") + len(value or b"") + 70
        if size > self._left:
            return None
        self._left -= size
        self.records.append(encoded(key, value, headers))
        return True

    def record_count(self) -> int:
        return len(self.records)


class BareClient:
    """What is asked of a client by hand: which topics there are."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._line = Line(broker.network, "kafka")
        self.coordinator_lookup = None

    def get_random_node(self) -> int:
        return 0

    async def bootstrap(self) -> None:
        await self._line.ask(lambda: None)

    async def close(self) -> None:
        return

    async def send(self, node: int, request: Any) -> Any:
        return await self._line.ask(lambda: self._answer(request._names))

    def _answer(self, names: list[str]) -> Any:
        topics = [(0, name, name.encode()[:16], False, range(self._broker.partitions[name])) for name in names]
        return SimpleNamespace(cluster_id="simulated", topics=topics)


class AdminClient:
    """The admin client: the committed offsets of a group."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._client = BareClient(broker)
        self._line = Line(broker.network, "kafka")

    async def start(self) -> None:
        await self._line.ask(lambda: None)

    async def close(self) -> None:
        return

    async def list_consumer_group_offsets(
        self, group_id: str, partitions: list[TopicPartition]
    ) -> dict[TopicPartition, OffsetAndMetadata]:
        def answer() -> dict[TopicPartition, OffsetAndMetadata]:
            committed = self._broker.committed
            return {place: OffsetAndMetadata(committed.get((group_id, place), -1), "") for place in partitions}

        found: dict[TopicPartition, OffsetAndMetadata] = await self._line.ask(answer)
        return found


class SimulatedProducer:
    """An idempotent producer: what its broker does not answer it sends again, until it is stopped."""

    def __init__(self, broker: Broker, options: Mapping[str, Any]) -> None:
        self.client = BareClient(broker)
        self._broker = broker
        self._transactional_id: str | None = options.get("transactional_id")
        self._limit_bytes: int = options.get("max_batch_size", 16_384)
        self._process: SimulatedProcess = process_now.get()
        self._line = Line(broker.network, "kafka")
        self._epoch = -1
        self._is_stopped = False
        self._free_at: dict[TopicPartition, float] = {}
        self._under_way: list[asyncio.Future[Any]] = []
        self._error: Exception | None = None

    async def start(self) -> None:
        if self._transactional_id is None:
            await self._line.ask(lambda: None)
        else:
            transactional_id = self._transactional_id
            self._epoch = await self._line.ask(lambda: self._broker.start_transactional(transactional_id))

    async def stop(self) -> None:
        if self._under_way and not self._is_stopped:
            await asyncio.wait(list(self._under_way), timeout=1.0)
        self._is_stopped = True

    def create_batch(self) -> SimulatedBatch:
        return SimulatedBatch(self._limit_bytes)

    async def send_and_wait(
        self, topic: str, value: Any = None, key: Any = None, partition: int | None = None, headers: Any = None
    ) -> Any:
        return await (await self.send(topic, value, key, partition, headers=headers))

    async def send(
        self, topic: str, value: Any = None, key: Any = None, partition: int | None = None, headers: Any = None
    ) -> asyncio.Future[Any]:
        if partition is None:
            partition = (murmur2(key or b"") & 0x7FFFFFFF) % self._broker.partitions[topic]
        return self._send([encoded(key, value, headers)], TopicPartition(topic, partition))

    async def send_batch(self, batch: SimulatedBatch, topic: str, *, partition: int) -> asyncio.Future[Any]:
        return self._send(batch.records, TopicPartition(topic, partition))

    def _send(self, records: list[Record], place: TopicPartition) -> asyncio.Future[Any]:
        """Have the records arrive after those before them; an answer that is lost comes late, or without offset."""
        network = self._broker.network
        loop = network.loop
        answer: asyncio.Future[Any] = loop.create_future()
        arrives = max(self._free_at.get(place, 0.0), loop._now + network.delay() + network.until_up("kafka"))
        is_repeated = arrives - loop._now > 0.05
        self._free_at[place] = arrives
        self._under_way.append(answer)
        answer.add_done_callback(self._under_way.remove)
        network.outside(arrives - loop._now, self._arrive, records, place, answer, is_repeated)
        return answer

    def _arrive(
        self, records: list[Record], place: TopicPartition, answer: asyncio.Future[Any], is_repeated: bool
    ) -> None:
        network = self._broker.network
        if is_repeated and (self._is_stopped or self._process.is_dead):
            network.note(f"never arrives: {place.topic}/{place.partition}")
            return
        if wait := network.until_up("kafka") + network.until_up(f"{place.topic}/{place.partition}"):
            network.outside(wait, self._arrive, records, place, answer, True)
            return
        offset, error = -1, None
        try:
            if self._transactional_id is None:
                offset = self._broker.append(place, records)
            else:
                offset = self._broker.append_in_transaction(self._transactional_id, self._epoch, place, records)
        except Exception as raised:  # the broker's refusal, whatever it is
            error = self._error = raised
        delay = network.delay()
        if error is None and delay > 0.4:
            offset, error = self._after_a_lost_answer(offset)
        network.outside(delay, settle, answer, SimpleNamespace(offset=offset), error)

    def _after_a_lost_answer(self, offset: int) -> tuple[int, Exception | None]:
        """Return what the repetition brings: the offset, none (the broker has forgotten it), or no answer at all."""
        drawn = self._broker.network.random.random()
        if drawn < _OFFSET_UNKNOWN_SHARE:
            return -1, None
        return (offset, KafkaTimeoutError()) if drawn < 2 * _OFFSET_UNKNOWN_SHARE else (offset, None)

    async def begin_transaction(self) -> None:
        if self._error is not None:
            raise self._error

    async def send_offsets_to_transaction(self, offsets: dict[TopicPartition, int], group_id: str) -> None:
        await self._in_transaction(
            lambda: self._broker.add_offsets(str(self._transactional_id), self._epoch, group_id, offsets)
        )

    async def commit_transaction(self) -> None:
        await self._end("committed")

    async def abort_transaction(self) -> None:
        self._error = None
        await self._end("aborted")

    async def _end(self, outcome: str) -> None:
        if self._under_way:
            await asyncio.wait(list(self._under_way))
        await self._in_transaction(
            lambda: self._broker.end_transaction(str(self._transactional_id), self._epoch, outcome)
        )

    async def _in_transaction(self, serve: Any) -> None:
        try:
            await self._line.ask(serve)
        except Exception as error:
            self._error = error
            raise
