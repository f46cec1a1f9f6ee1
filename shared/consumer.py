"""The consumer that everything here reads Kafka with: no record can stop it.

aiokafka raises where it cannot read a record, and leaves its position where it was, so it never gets past the record.
Here whatever cannot be read arrives as `Unreadable`, among the records and in their order: a reader parks it and goes
on, and position, commits and watermarks move as they do over any record.

Two of aiokafka's functions run here with other names in place of its classes (`_with`); all else is its own. Tests fail
where a new version of it no longer reads by these names.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, Fetcher, PartitionRecords
from aiokafka.record.control_record import ABORT_MARKER, ControlRecord
from aiokafka.record.default_records import DefaultRecordBatch

from shared.batch_format import Gap, Header, RawBatches, header_of
from shared.record_batches import is_intact, legacy_records_of, records_of

MAX_POLL_BYTES = 32 * 1024 * 1024
"""What one poll reads, counted decompressed: no batch is begun after it. It bounds the memory and time of a poll."""
_MAX_SUSPECTS = 1_000
_LEFT_OUT_WAIT_MS = 25


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A mark for the offsets from `first_offset` to `offset`, which cannot be read; `value` are their bytes."""

    topic: str
    partition: int
    first_offset: int
    offset: int
    cause: str
    value: bytes
    key: None = None
    headers: tuple[()] = ()
    timestamp: int = -1


Polled: TypeAlias = "ConsumerRecord | Unreadable"


def first_offset(record: Polled) -> int:
    """Return the offset of a record, or the first of those that cannot be read."""
    return record.first_offset if isinstance(record, Unreadable) else int(record.offset)


class Budget:
    """The bytes that one poll may read."""

    def __init__(self) -> None:
        self._spent = 0

    def begin(self) -> None:
        self._spent = 0

    def spend(self, size: int) -> None:
        self._spent += size

    @property
    def is_spent(self) -> bool:
        return self._spent >= MAX_POLL_BYTES


class _Records(PartitionRecords):  # type: ignore[misc]  # aiokafka ships no types
    """The records of one partition of a fetch."""

    next_fetch_offset: int

    def __init__(self, budget: Budget, suspects: set[tuple[TopicPartition, int]], *arguments: Any) -> None:
        self._budget = budget
        self._suspects = suspects
        super().__init__(*arguments)

    def _unpack_records(self) -> Iterator[Polled]:
        while self._records.has_next() and not self._budget.is_spent:
            batch = self._records.next_batch()
            header = header_of(batch)
            if header is None:
                yield from self._pass(legacy_records_of(batch, self.next_fetch_offset))
            elif not is_intact(batch):
                if self._is_new_suspect(header):
                    return  # what was damaged on its way is right when it is fetched again
                yield from self._pass(iter([self._damaged(batch, header)]))
                continue
            elif not self._is_passed_over(batch, header):
                yield from self._pass(records_of(batch, header, self._budget.spend))
            if header is not None:
                self._move_to(header.last_offset + 1)

    def _pass(self, found: Iterator[Any]) -> Iterator[Polled]:
        begin = self.next_fetch_offset
        for record in found:
            if record.offset < begin:
                continue  # read before: a fetch brings whole batches
            self._move_to(record.offset + 1)
            if isinstance(record, Gap):
                yield self._unreadable(record)
            else:
                yield self._consumer_record(self._tp, record)

    def _move_to(self, offset: int) -> None:
        self.next_fetch_offset = max(self.next_fetch_offset, offset)

    def _unreadable(self, gap: Gap) -> Unreadable:
        return Unreadable(self._tp.topic, self._tp.partition, gap.first_offset, gap.offset, gap.cause, gap.raw)

    def _is_new_suspect(self, header: Header) -> bool:
        place = self._tp, header.base_offset
        if place in self._suspects:
            self._suspects.discard(place)
            return False
        if len(self._suspects) >= _MAX_SUSPECTS:
            self._suspects.clear()
        self._suspects.add(place)
        return True

    def _damaged(self, batch: memoryview, header: Header) -> Gap:
        """Return the gap that a damaged batch is: of what it says, only what it says twice is believed."""
        last = header.last_offset if header.last_offset_delta + 1 == header.records else header.base_offset
        begin = self.next_fetch_offset
        return Gap(begin, max(begin, last), "the batch does not have its checksum", bytes(batch))

    def _is_passed_over(self, batch: memoryview, header: Header) -> bool:
        """Say whether the batch holds nothing for us: a mark of a transaction's end, or part of an aborted one."""
        if self._isolation_level == READ_COMMITTED and header.producer_id >= 0:
            self._consume_aborted_up_to(header.base_offset)
            if header.is_control and _is_abort(batch):
                self._aborted_producers.discard(header.producer_id)
            if header.is_transactional and header.producer_id in self._aborted_producers:
                return True
        return header.is_control


def _is_abort(batch: memoryview) -> bool:
    for record in DefaultRecordBatch(batch):
        return bool(ControlRecord.parse(record.key) == ABORT_MARKER)
    return False


def _with(function: Callable[..., Any], **names: Any) -> Any:
    """Return the function with other global names."""
    assert isinstance(function, FunctionType)  # noqa: S101 (what this module is built on)
    missing = names.keys() - set(function.__code__.co_names)
    if missing:
        raise AssertionError(f"aiokafka's {function.__qualname__} has no {missing} any more: change shared/consumer.py")
    replaced = FunctionType(
        function.__code__, {**function.__globals__, **names}, function.__name__, function.__defaults__
    )
    replaced.__kwdefaults__ = function.__kwdefaults__
    return replaced


class _Fetcher(Fetcher):  # type: ignore[misc]
    """The fetcher of aiokafka, which reads what it has fetched with `_Records`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.budget = Budget()
        suspects: set[tuple[TopicPartition, int]] = set()
        self._proc_fetch_request = MethodType(
            _with(
                Fetcher._proc_fetch_request,  # noqa: SLF001 (see above)
                MemoryRecords=RawBatches,
                PartitionRecords=lambda *given: _Records(self.budget, suspects, *given),
            ),
            self,
        )

    def _get_actions_per_node(self, assignment: Any) -> Any:
        """Have a fetch return soon where it leaves a partition out: what comes for that one waits until then.

        aiokafka has one fetch a broker under way, without the partitions of which something is still to be read. A
        fetch for all partitions can wait long: it returns with the first record for any of them.
        """
        actions = super()._get_actions_per_node(assignment)
        for _, request in actions[0]:
            if sum(len(partitions) for _, partitions in request.topics) < len(assignment.tps):
                request._max_wait_ms = min(_LEFT_OUT_WAIT_MS, request._max_wait_ms)  # noqa: SLF001 (see above)
        return actions

    def rotate(self, partitions: list[TopicPartition]) -> None:
        """Have these partitions come last in the next poll: one that has much holds up no other."""
        for partition in partitions:
            if partition in self._records:
                self._records.move_to_end(partition)


class Consumer(AIOKafkaConsumer):  # type: ignore[misc]
    """The consumer of aiokafka; its records are `ConsumerRecord` and `Unreadable`."""

    start = _with(AIOKafkaConsumer.start, Fetcher=_Fetcher)

    async def getmany(self, *partitions: TopicPartition, **options: Any) -> dict[TopicPartition, list[Polled]]:
        """Return what there is, as aiokafka's does, up to `MAX_POLL_BYTES` and fairly to all partitions."""
        self._fetcher.budget.begin()
        polled: dict[TopicPartition, list[Polled]] = await super().getmany(*partitions, **options)
        self._fetcher.rotate(list(polled))
        return polled

    async def getone(self, *partitions: TopicPartition) -> Polled:
        self._fetcher.budget.begin()
        polled: Polled = await super().getone(*partitions)
        return polled
