"""Reads `outbound-messages` and `delivery-events` in a thread of its own, so that nobody has to wait by sleeping."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # public, and not in its stubs

from stopline_pytest.errors import StoplineError

OUTBOUND_MESSAGES = "outbound-messages"
DELIVERY_EVENTS = "delivery-events"

FoundT = TypeVar("FoundT")
Event = dict[str, Any]

_KAFKA_SECONDS = 15.0
_POLL_SECONDS = 0.2
_MAX_EVENTS_PER_ACCOUNT = 200_000


@dataclass(frozen=True, slots=True)
class Seen:
    """An event, and the Unix time of its record in seconds."""

    at: float
    event: Event


class TopicLog:
    """The events of the accounts that tests use, as they are published from now on.

    `wait` returns as soon as a condition holds. Events of other accounts are not kept.
    """

    def __init__(self, kafka_config: dict[str, Any]) -> None:
        self._config = kafka_config
        self._changed = threading.Condition()
        self._events: dict[str, list[Seen]] = {}
        self._read_to: dict[tuple[str, int], int] = {}
        self._admin = AdminClient(kafka_config)
        self._consumer: Consumer | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self.trouble = ""
        """The last error that Kafka's client reported; empty when there was none."""
        self.unreadable: dict[str, int] = defaultdict(int)
        """Per topic, the records that were not JSON objects."""
        self._full: set[str] = set()

    def start(self) -> None:
        """Begin to read at the present ends of both topics.

        Raises:
            StoplineError: Kafka cannot be reached, or has no such topic.
        """
        ends = {**self.ends(OUTBOUND_MESSAGES), **self.ends(DELIVERY_EVENTS)}
        self._read_to = dict(ends)
        self._consumer = Consumer(
            {
                **self._config,
                "group.id": f"stopline-pytest-{uuid4()}",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "auto.offset.reset": "error",
                "fetch.wait.max.ms": 50,
                "error_cb": self._note_trouble,
            }
        )
        self._consumer.assign([TopicPartition(topic, partition, end) for (topic, partition), end in ends.items()])
        self._thread = threading.Thread(target=self._read, args=(self._consumer,), name="stopline-log", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread is not None:
            self._thread.join(_KAFKA_SECONDS)
        if self._consumer is not None:
            self._consumer.close()

    def keep(self, account_id: str) -> None:
        """Keep the events of an account from now on."""
        with self._changed:
            self._events.setdefault(account_id, [])

    def forget(self, account_id: str) -> None:
        with self._changed:
            self._events.pop(account_id, None)
            self._full.discard(account_id)

    def is_full(self, account_id: str) -> bool:
        """Say whether the account had more events than are kept: then nothing can be proven from them."""
        with self._changed:
            return account_id in self._full

    def events(self, account_id: str) -> list[Seen]:
        """Return the events of an account that were read so far, requests among them."""
        with self._changed:
            return list(self._events.get(account_id, ()))

    def wait(self, condition: Callable[[], FoundT | None], deadline: float) -> FoundT | None:
        """Return what `condition` returns as soon as it is not None; None at the deadline (of `time.monotonic`)."""
        with self._changed:
            while True:
                found = condition()
                left = deadline - time.monotonic()
                if found is not None or left <= 0:
                    return found
                self._changed.wait(left)

    def wait_until_read(self, topic: str, deadline: float) -> bool:
        """Return True once everything is read that the topic has now; False at the deadline."""
        ends = self.ends(topic)
        return self.wait(lambda: True if self._is_read(ends) else None, deadline) is not None

    def ends(self, topic: str) -> dict[tuple[str, int], int]:
        """Return the end of each partition of the topic.

        Records of open transactions are before it, too: they are read once it is known what became of them. A record
        may be committed already where its partition does not have the marker of that yet.

        Raises:
            StoplineError: Kafka cannot be reached, or has no such topic.
        """
        try:
            described = self._admin.list_topics(topic, timeout=_KAFKA_SECONDS).topics[topic]
            if described.error is not None:
                raise KafkaException(described.error)  # noqa: TRY301 (as the client raises the others)
            latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
            asked = {TopicPartition(topic, partition): latest for partition in described.partitions}
            found = self._admin.list_offsets(
                asked, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=_KAFKA_SECONDS
            )
            return {(topic, place.partition): answer.result().offset for place, answer in found.items()}
        except KafkaException as error:
            raise StoplineError(f"Kafka at {self._config['bootstrap.servers']}: {topic}: {_reason(error)}") from None

    def _is_read(self, ends: dict[tuple[str, int], int]) -> bool:
        return all(self._read_to.get(place, 0) >= end for place, end in ends.items())

    def _read(self, consumer: Consumer) -> None:
        while not self._closing.is_set():
            message = consumer.poll(_POLL_SECONDS)
            if message is not None:
                with self._changed:
                    self._note(message)
                    self._changed.notify_all()

    def _note(self, message: Message) -> None:
        topic, partition, offset, error = message.topic(), message.partition(), message.offset(), message.error()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 (the client's public constant)
            self._note_trouble(error)
        elif topic is not None and partition is not None and offset is not None:
            # The end of a partition is a place, too: markers of transactions are before it and not shown.
            self._read_to[topic, partition] = offset if error is not None else offset + 1
            if error is None:
                self._keep_event(topic, message.value(), message.timestamp()[1] / 1000)

    def _note_trouble(self, error: KafkaError) -> None:
        self.trouble = error.str()

    def _keep_event(self, topic: str, value: bytes | None, at: float) -> None:
        try:
            event = json.loads(value or b"")
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict):
            self.unreadable[topic] += 1
            return
        account_id = str(event.get("account_id"))
        kept = self._events.get(account_id)
        if kept is None:
            return
        if len(kept) >= _MAX_EVENTS_PER_ACCOUNT:
            self._full.add(account_id)
            return
        usual = "message_requested" if topic == OUTBOUND_MESSAGES else ""
        kept.append(Seen(at, {**event, "type": str(event.get("type", usual))}))


def _reason(error: KafkaException) -> str:
    first = error.args[0] if error.args else error
    return first.str() if isinstance(first, KafkaError) else str(first)
