"""Which topic it is: Kafka gives each topic an id when it is made, so that one that was recreated is another.

aiokafka does not ask for ids; the request here is Kafka's Metadata in version 12 (KIP-516, from Kafka 3.0 on).
"""

import asyncio
import base64
from collections.abc import Iterable
from io import BytesIO

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from shared.errors import TransientError
from shared.kafka import SEND_SECONDS, START_SECONDS, new_client, within
from shared.kafka_connection import Kafka

_METADATA, _VERSION = 3, 12
_UUID_BYTES = 16


class _Uuid(AbstractType[bytes]):  # type: ignore[misc]  # aiokafka ships no types
    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        return data.read(_UUID_BYTES)


class _MetadataResponse(Response):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY = _METADATA
    API_VERSION = _VERSION
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString("utf-8")),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _MetadataRequest(RequestStruct):  # type: ignore[misc]  # aiokafka ships no types
    FLEXIBLE_VERSION = True
    API_KEY = _METADATA
    API_VERSION = _VERSION
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("name", CompactString("utf-8")), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _AskForTopics(Request[_MetadataRequest]):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY = _METADATA

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(names)

    def build(self, request_struct_class: type[_MetadataRequest]) -> _MetadataRequest:
        return request_struct_class([(bytes(_UUID_BYTES), name, {}) for name in self._names], False, False, {})


class TopicIdentities:
    """A watcher that looks at topics again and again, on a connection of its own: no look waits for a fetch to end.

    Args:
        kafka: where they are.
        names: of the topics.
    """

    def __init__(self, kafka: Kafka, *names: str) -> None:
        self._kafka = kafka
        self._names = names
        self._client: AIOKafkaClient | None = None
        self._running: asyncio.Task[dict[str, str]] | None = None
        self._next: asyncio.Task[dict[str, str]] | None = None

    async def look(self) -> dict[str, str]:
        """Return what `topic_identities` does, asked after this call; calls that come together share one question.

        Raises:
            TransientError: Kafka is unavailable, or one of the topics is.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._running))
        return await asyncio.shield(self._next)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await within(SEND_SECONDS, client.close(), "disconnecting")

    async def _after(self, before: "asyncio.Task[dict[str, str]] | None") -> dict[str, str]:
        if before is not None:
            await asyncio.wait([before])
        # From here on it is being asked: whoever calls now waits for the next answer.
        self._running, self._next = self._next, None
        try:
            return await topic_identities(await self._connected(), *self._names)
        except TransientError:
            await self.close()
            raise

    async def _connected(self) -> AIOKafkaClient:
        if self._client is None:
            client = new_client(self._kafka)
            try:
                await within(START_SECONDS, client.bootstrap(), "connecting to Kafka")
            except BaseException:
                await client.close()
                raise
            self._client = client
        return self._client


async def topic_identities(client: AIOKafkaClient, *names: str) -> dict[str, str]:
    """Return the identity of each topic: its cluster's id, its own and its number of partitions, as one text.

    Raises:
        TransientError: Kafka is unavailable, or one of the topics is.
    """
    asked = client.send(client.get_random_node(), _AskForTopics(names))
    answer = await within(SEND_SECONDS, asked, "asking for the topics' ids")
    found = {
        name: f"{answer.cluster_id}/{_shown(topic_id)}/{len(partitions)}"
        for error_code, name, topic_id, _, partitions, *_ in answer.topics
        if not error_code
    }
    if missing := [name for name in names if name not in found]:
        raise TransientError(f"Kafka does not know the topics {', '.join(missing)} at the moment")
    return found


def is_same_topic(one: str, other: str) -> bool:
    """Say whether two identities are of one topic, which may have had fewer partitions than it has."""
    return one.rpartition("/")[0] == other.rpartition("/")[0]


def more_partitions(topic: str, before: str, now: str) -> str:
    """Say what to do about a topic that is the same and has another number of partitions."""
    number, recorded = (each.rpartition("/")[2] for each in (now, before))
    return (
        f"{topic} has {number} partitions, this database is of {recorded}: run `stopline partitions change {number}`,"
        " or restore a backup from after that was done (docs/partitions.md)"
    )


def _shown(topic_id: bytes) -> str:
    """Return the id as Kafka's own tools show it."""
    return base64.urlsafe_b64encode(topic_id).decode().rstrip("=")
