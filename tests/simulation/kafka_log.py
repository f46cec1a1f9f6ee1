"""A simulated Kafka: its partitions, its transactions, and what its readers see of them."""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import InvalidProducerEpoch, ProducerFenced, UnknownTopicOrPartitionError

from simulation.network import Network

TRANSACTION_SECONDS = 60.0
"""After which the broker aborts a transaction that nobody ends: the default of aiokafka's producer."""
Record = tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]
"""Key, value, headers."""


@dataclass(slots=True)
class LoggedRecord:
    """A record in a partition; `state` of one that is in a transaction is "open", "committed" or "aborted"."""

    record: ConsumerRecord
    state: str


class Log:
    """A partition: some offsets are markers of transactions, or were compacted away."""

    def __init__(self, place: TopicPartition) -> None:
        self.place = place
        self.offsets: list[int] = []
        self.records: list[LoggedRecord] = []
        self.end = 0
        self.open: dict[str, int] = {}
        """The first offset of each transaction that has not ended."""
        self.waiting: list[Callable[[], None]] = []
        self.stale_end: int | None = None
        """What a leader that was cut off still answers."""

    def append(self, record: Record, state: str, at_ms: int) -> int:
        offset, self.end = self.end, self.end + 1
        key, value, headers = record
        logged = ConsumerRecord(
            self.place.topic, self.place.partition, offset, at_ms, 0, key, value, None,
            -1 if key is None else len(key), -1 if value is None else len(value), headers,
        )  # fmt: skip
        self.offsets.append(offset)
        self.records.append(LoggedRecord(logged, state))
        return offset

    def stable_end(self) -> int:
        """Return the offset from which on something is not decided yet (Kafka's last stable offset)."""
        return min(self.open.values()) if self.open else self.end

    def read(self, position: int, limit: int) -> tuple[list[ConsumerRecord], int]:
        """Return what `read_committed` shows from a position on, and the next position."""
        found: list[ConsumerRecord] = []
        stable = self.stable_end()
        for number in range(bisect_left(self.offsets, position), len(self.offsets)):
            if self.offsets[number] >= stable:
                break
            logged = self.records[number]
            if logged.state == "committed":
                found.append(logged.record)
                if len(found) == limit:
                    return found, self.offsets[number] + 1
        return found, max(position, stable)

    def compact(self) -> int:
        """Remove all but the newest committed record of each key, below what is stable; return how many went."""
        stable, newest = self.stable_end(), {}
        for offset, logged in zip(self.offsets, self.records, strict=True):
            if offset < stable and logged.state == "committed":
                newest[logged.record.key] = offset
        kept = [
            (offset, logged)
            for offset, logged in zip(self.offsets, self.records, strict=True)
            if offset >= stable or newest.get(logged.record.key) == offset
        ]
        gone = len(self.offsets) - len(kept)
        self.offsets, self.records = [each[0] for each in kept], [each[1] for each in kept]
        return gone

    def wake(self) -> None:
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            each()


@dataclass(slots=True)
class Transactions:
    """The transactions under one id: only the newest epoch may write."""

    epoch: int = -1
    written: dict[TopicPartition, list[LoggedRecord]] = field(default_factory=dict)
    offsets: dict[tuple[str, TopicPartition], int] = field(default_factory=dict)
    number: int = 0


class Broker:
    """All partitions, the producers' epochs, and the groups' offsets."""

    def __init__(self, network: Network, topics: Mapping[str, int]) -> None:
        self.network = network
        self.logs = {
            place: Log(place)
            for name, number in topics.items()
            for place in (TopicPartition(name, partition) for partition in range(number))
        }
        self.partitions = dict(topics)
        self.committed: dict[tuple[str, TopicPartition], int] = {}
        self._transactions: dict[str, Transactions] = {}
        self.observers: list[Callable[[LoggedRecord], None]] = []
        """Called with each record that is readable from now on."""

    def now_ms(self) -> int:
        return int(self.network.loop._now * 1_000) + 1_700_000_000_000

    def log(self, place: TopicPartition) -> Log:
        found = self.logs.get(place)
        if found is None:
            raise UnknownTopicOrPartitionError(f"{place}")
        return found

    def append(self, place: TopicPartition, records: list[Record]) -> int:
        """Append outside of any transaction; return the first offset."""
        log = self.log(place)
        first, at_ms = log.end, self.now_ms()
        for record in records:
            log.append(record, "committed", at_ms)
            self._note_readable(log.records[-1])
        self.network.note(f"append {place.topic}/{place.partition} {first}+{len(records)}")
        log.wake()
        return first

    def start_transactional(self, transactional_id: str) -> int:
        """Fence every earlier producer with this id, end what it had begun, and return the new epoch."""
        found = self._transactions.setdefault(transactional_id, Transactions())
        self._end(transactional_id, found, "aborted")
        found.epoch += 1
        self.network.note(f"epoch {transactional_id} {found.epoch}")
        return found.epoch

    def append_in_transaction(
        self, transactional_id: str, epoch: int, place: TopicPartition, records: list[Record]
    ) -> int:
        transactions, log = self._of_epoch(transactional_id, epoch), self.log(place)
        first = log.end
        log.open.setdefault(transactional_id, first)
        if not transactions.written:
            self._watch(transactional_id, transactions, transactions.number)
        written = transactions.written.setdefault(place, [])
        for record in records:
            log.append(record, "open", self.now_ms())
            written.append(log.records[-1])
        return first

    def add_offsets(self, transactional_id: str, epoch: int, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        transactions = self._of_epoch(transactional_id, epoch)
        transactions.offsets |= {(group, place): offset for place, offset in offsets.items()}

    def end_transaction(self, transactional_id: str, epoch: int, outcome: str) -> None:
        self._end(transactional_id, self._of_epoch(transactional_id, epoch), outcome)

    def _of_epoch(self, transactional_id: str, epoch: int) -> Transactions:
        found = self._transactions[transactional_id]
        if epoch != found.epoch:
            self.network.note(f"fenced {transactional_id} {epoch}")
            raise InvalidProducerEpoch if epoch < found.epoch - 1 else ProducerFenced
        return found

    def _watch(self, transactional_id: str, transactions: Transactions, number: int) -> None:
        def look() -> None:
            if transactions.number == number:
                self._end(transactional_id, transactions, "aborted")
                transactions.epoch += 1

        self.network.outside(TRANSACTION_SECONDS, look)

    def _end(self, transactional_id: str, transactions: Transactions, outcome: str) -> None:
        transactions.number += 1
        written, transactions.written = transactions.written, {}
        offsets, transactions.offsets = transactions.offsets, {}
        for place, records in written.items():
            log = self.logs[place]
            log.open.pop(transactional_id, None)
            log.end += 1  # the marker of the end
            for each in records:
                each.state = outcome
                if outcome == "committed":
                    self._note_readable(each)
        if written:
            self.network.note(f"{outcome} {transactional_id} {[f'{p.topic}/{p.partition}' for p in written]}")
        if outcome == "committed":
            self.committed |= offsets
        for place in written:
            self.logs[place].wake()

    def _note_readable(self, logged: LoggedRecord) -> None:
        for each in self.observers:
            each(logged)

    def ends(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the ends as `read_committed` has them."""
        return {place: self._end_of(self.log(place)) for place in places}

    def _end_of(self, log: Log) -> int:
        return log.stable_end() if log.stale_end is None else min(log.stale_end, log.stable_end())


def encoded(key: Any, value: Any, headers: Any) -> Record:
    """Return a record as a producer was given it."""
    return key, value, tuple(headers or ())
