"""The consumer of a simulated Kafka, as the services use `shared.consumer.Consumer`."""

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError, UnknownMemberIdError

from simulation.kafka_groups import Coordinator
from simulation.kafka_log import Broker
from simulation.kafka_producer import BareClient
from simulation.network import Line, settle

_UNLIMITED = 1_000_000


class SimulatedConsumer:
    """A consumer with an assignment of its own, or as a member of a group."""

    def __init__(self, broker: Broker, coordinator: Coordinator, topics: tuple[str, ...], options: Any) -> None:
        self._broker = broker
        self._coordinator = coordinator
        self._group: str | None = options.get("group_id")
        self._session_seconds = options.get("session_timeout_ms", 10_000) / 1_000
        self._topics = topics
        self._listener: Any = None
        self._line = Line(broker.network, "kafka")
        self._to_coordinator = Line(broker.network, "coordinator")
        self._client = BareClient(broker)
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._seen_ends: dict[TopicPartition, tuple[int, int]] = {}
        self._membership: tuple[str, int] | None = None
        self._member_id: str | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._woken: asyncio.Future[None] | None = None
        self._turn = 0

    async def start(self) -> None:
        await self._line.ask(lambda: None)
        if self._topics and self._group is not None:
            self._join()

    async def stop(self) -> None:
        for each in self._tasks:
            each.cancel()
        group, member_id, self._membership = self._group, self._member_id, None
        if group is not None and member_id is not None:
            await self._to_coordinator.ask(lambda: self._coordinator.leave(group, member_id))

    def subscribe(self, topics: list[str], listener: Any = None) -> None:
        self._topics, self._listener = tuple(topics), listener
        self._join()

    def _join(self) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(self._stay_in_group(), name="membership"))

    async def _stay_in_group(self) -> None:
        """Join, and again whenever the coordinator says so."""
        while True:
            await self._join_once()
            try:
                while not await self._beat():
                    pass
            except UnknownMemberIdError:
                self._member_id = None

    async def _beat(self) -> bool:
        await asyncio.sleep(self._session_seconds / 3)  # the pace of heartbeats, on a clock that jumps
        membership = self._membership
        if membership is None:
            return False
        again: bool = await self._to_coordinator.ask(lambda: self._coordinator.heartbeat(str(self._group), *membership))
        return again

    async def _join_once(self) -> None:
        had = list(self._positions)
        if self._listener is not None:
            await self._listener.on_partitions_revoked(had)
        self._positions, self._paused, self._membership = {}, set(), None
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        network, group = self._broker.network, str(self._group)

        def answer(result: Any) -> None:
            network.outside(network.delay(), settle, answered, result, None)

        await self._to_coordinator.ask(
            lambda: self._coordinator.join(group, self._member_id, self._topics, self._session_seconds, answer)
        )
        member_id, generation, places = await answered
        self._member_id, self._membership = member_id, (member_id, generation)
        committed = await self._line.ask(
            lambda: {each: self._broker.committed.get((group, each), 0) for each in places}
        )
        self._positions = dict(committed)
        if self._listener is not None:
            await self._listener.on_partitions_assigned(places)

    def assign(self, places: Iterable[TopicPartition]) -> None:
        self._positions = dict.fromkeys(places, 0)

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(self._positions)

    def pause(self, *places: TopicPartition) -> None:
        self._paused |= set(places)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self._positions[place] = offset
        self._wake()

    async def seek_to_beginning(self, *places: TopicPartition) -> None:
        for place in places:
            self.seek(place, 0)

    async def position(self, place: TopicPartition) -> int:
        if place not in self._positions:
            raise IllegalStateError(f"{place} is not assigned")
        return self._positions[place]

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        found: dict[TopicPartition, int] = await self._line.ask(lambda: dict.fromkeys(places, 0))
        return found

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        found: dict[TopicPartition, int] = await self._line.ask(lambda: self._broker.ends(places))
        return found

    def last_stable_offset(self, place: TopicPartition) -> int | None:
        return self._seen_ends.get(place, (None, None))[0]

    def highwater(self, place: TopicPartition) -> int | None:
        return self._seen_ends.get(place, (None, None))[1]

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        membership = self._membership
        if membership is None:
            raise CommitFailedError("not a member")
        try:
            await self._to_coordinator.ask(lambda: self._coordinator.commit(str(self._group), *membership, offsets))
        except KafkaError as error:
            raise CommitFailedError(str(error)) from error

    async def getmany(
        self, *places: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        loop = self._broker.network.loop
        ends_at = loop._now + timeout_ms / 1_000
        while True:
            mine = [each for each in places or self._positions if each not in self._paused and each in self._positions]
            if mine:
                fetched = await self._line.ask(lambda mine=mine: self._fetch(mine, max_records or _UNLIMITED))
                if found := self._taken(fetched):
                    return found
            left = ends_at - loop._now
            if left <= 0 or not await self._wait_for_more(mine, left):
                return {}

    def _fetch(self, mine: list[TopicPartition], limit: int) -> list[Any]:
        self._turn += 1
        order = mine[self._turn % len(mine) :] + mine[: self._turn % len(mine)]
        fetched = []
        for place in order:
            position = self._positions.get(place)
            if position is None or limit <= 0:
                continue
            log = self._broker.log(place)
            records, after = log.read(position, limit)
            limit -= len(records)
            fetched.append((place, position, records, after, (log.stable_end(), log.end)))
        return fetched

    def _taken(self, fetched: list[Any]) -> dict[TopicPartition, list[ConsumerRecord]]:
        found = {}
        for place, position, records, after, ends in fetched:
            if self._positions.get(place) != position:
                continue  # revoked, or moved, while it was fetched
            self._positions[place], self._seen_ends[place] = after, ends
            if records:
                found[place] = records
        return found

    async def _wait_for_more(self, mine: list[TopicPartition], seconds: float) -> bool:
        """Wait until there may be more; False: nothing came in time."""
        network = self._broker.network
        woken: asyncio.Future[None] = network.loop.create_future()
        self._woken = woken
        logs = [self._broker.log(place) for place in mine]
        if any(log.stable_end() > self._positions.get(log.place, 0) for log in logs):
            return True

        def wake() -> None:
            network.outside(network.delay(), settle, woken, None, None)

        for log in logs:
            log.waiting.append(wake)
        try:
            async with asyncio.timeout(seconds):
                await woken
        except TimeoutError:
            return False
        finally:
            for log in logs:
                if wake in log.waiting:
                    log.waiting.remove(wake)
        return True

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)
