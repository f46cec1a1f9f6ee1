"""The topics: their names, how they are kept, and the check by which a service refuses to run on others."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.errors import MisconfiguredError
from shared.kafka import connect, new_admin
from shared.settings import KafkaSettings

INBOUND_MESSAGES = "inbound-messages"
OPT_OUT_EVENTS = "opt-out-events"
SUPPRESSIONS = "suppressions"
OUTBOUND_MESSAGES = "outbound-messages"
DELIVERY_EVENTS = "delivery-events"
PARKED_MESSAGES = "parked-messages"
EVIDENCE_ANCHORS = "evidence-anchors"
INBOUND_STATUS = "inbound-status"

PLACED_BY_PHONE = (INBOUND_MESSAGES, OPT_OUT_EVENTS, SUPPRESSIONS, DELIVERY_EVENTS)

_OF_ONE_PARTITION = (PARKED_MESSAGES, INBOUND_STATUS)
_HOUR_MS = 60 * 60 * 1000
_DAY_MS = 24 * _HOUR_MS
_PARKED_RECORD_BYTES = 4 * 1024 * 1024
_REQUEST_TIMEOUT_MS = 10_000


@dataclass(frozen=True)
class Topic:
    """A topic as it must be; `configs` are the broker's names and values."""

    name: str
    partitions: int
    replication_factor: int
    configs: dict[str, str] = field(default_factory=dict)


def topics(settings: KafkaSettings) -> list[Topic]:
    """Return all topics of a deployment."""
    in_sync = {"min.insync.replicas": str(max(1, settings.replication_factor - 1))}
    deleted = {"cleanup.policy": "delete", **in_sync}
    kept = {
        INBOUND_MESSAGES: {**deleted, "retention.ms": str(30 * _DAY_MS)},
        OPT_OUT_EVENTS: {**deleted, "retention.ms": str(5 * 365 * _DAY_MS)},
        SUPPRESSIONS: {"cleanup.policy": "compact", **in_sync, "min.cleanable.dirty.ratio": "0.1"},
        OUTBOUND_MESSAGES: {**deleted, "retention.ms": str(7 * _DAY_MS)},
        DELIVERY_EVENTS: {**deleted, "retention.ms": str(30 * _DAY_MS)},
        PARKED_MESSAGES: {
            **deleted,
            "retention.ms": str(90 * _DAY_MS),
            "max.message.bytes": str(_PARKED_RECORD_BYTES),
        },
        EVIDENCE_ANCHORS: {**deleted, "retention.ms": str(10 * 366 * _DAY_MS)},
        # Whoever reads it reads all of it: the newest of each key and what came within an hour or two. Instances that
        # ended long ago go by time.
        INBOUND_STATUS: {
            **in_sync,
            "cleanup.policy": "compact,delete",
            "retention.ms": str(30 * _DAY_MS),
            "segment.ms": str(_HOUR_MS),
            "max.compaction.lag.ms": str(_HOUR_MS),
            "min.cleanable.dirty.ratio": "0.1",
        },
    }
    return [
        Topic(name, 1 if name in _OF_ONE_PARTITION else settings.partitions, settings.replication_factor, configs)
        for name, configs in kept.items()
    ]


async def create_topics(settings: KafkaSettings) -> list[str]:
    """Make the topics that are missing, and return their names; topics that exist are left as they are."""
    async with _admin(settings) as admin:
        present = set(await admin.list_topics())
        missing = [topic for topic in topics(settings) if topic.name not in present]
        if missing:
            await _create(admin, missing)
    return [topic.name for topic in missing]


async def _create(admin: AIOKafkaAdminClient, missing: list[Topic]) -> None:
    response = await admin.create_topics(
        [
            NewTopic(topic.name, topic.partitions, topic.replication_factor, topic_configs=topic.configs)
            for topic in missing
        ],
        timeout_ms=_REQUEST_TIMEOUT_MS,
    )
    for name, code, *message in response.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise MisconfiguredError(f"topic {name} could not be made: {for_code(code).__name__} {message}")


async def differences(settings: KafkaSettings) -> list[str]:
    """Return what differs between the topics in Kafka and those that Stopline needs, a line each."""
    async with _admin(settings) as admin:
        expected = {topic.name: topic for topic in topics(settings)}
        present = set(await admin.list_topics())
        # A broker with an authorizer does not show what one may not see.
        hidden = (
            "" if settings.kafka.protocol == "PLAINTEXT" else ", or our login may not see it (`stopline topics acls`)"
        )
        found = [f"topic {name} does not exist{hidden}" for name in expected if name not in present]
        there = [topic for topic in expected.values() if topic.name in present]
        partitions = {
            row["topic"]: len(row["partitions"]) for row in await admin.describe_topics([topic.name for topic in there])
        }
        configs = await _configs(admin, there)
    return found + [each for topic in there for each in _wrong(topic, partitions[topic.name], configs[topic.name])]


async def config_differences(settings: KafkaSettings) -> list[str]:
    """Return what differs in the configs of the topics that exist, a line each, however many partitions they have."""
    async with _admin(settings) as admin:
        present = set(await admin.list_topics())
        there = [topic for topic in topics(settings) if topic.name in present]
        configs = await _configs(admin, there)
    return [each for topic in there for each in _wrong_configs(topic, configs[topic.name])]


def _wrong(topic: Topic, partitions: int, configs: dict[str, str]) -> Iterator[str]:
    """Yield what is not as it must be of a topic that exists."""
    if partitions != topic.partitions:
        yield f"topic {topic.name} has {partitions} partitions, must have {topic.partitions}"
    yield from _wrong_configs(topic, configs)


def _wrong_configs(topic: Topic, configs: dict[str, str]) -> Iterator[str]:
    for name, value in topic.configs.items():
        if name in _GUARANTEEING and configs.get(name) != value:
            yield f"topic {topic.name}: {name} is {configs.get(name)}, must be {value}"


# How long records are kept is the operator's to change; these decide what is acknowledged and what can be lost.
_GUARANTEEING = {"cleanup.policy", "min.insync.replicas", "max.message.bytes"}


async def _configs(admin: AIOKafkaAdminClient, there: list[Topic]) -> dict[str, dict[str, str]]:
    responses = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in there])
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for response in responses
        for _, _, _, name, entries in response.resources
    }


async def check_topics(settings: KafkaSettings) -> None:
    """Refuse topics that do not match.

    Raises:
        MisconfiguredError: one line that says what differs and how to fix it.
    """
    found = await differences(settings)
    if found:
        raise MisconfiguredError(f"{'; '.join(found)} (missing topics: run `stopline topics create`)")


class _admin:  # noqa: N801 (reads as a function where it is used)
    """An admin client for the length of a `with` block."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._kafka = settings.kafka
        self._client = new_admin(settings.kafka, request_timeout_ms=_REQUEST_TIMEOUT_MS)

    async def __aenter__(self) -> AIOKafkaAdminClient:
        try:
            await connect(self._client.start(), self._kafka)
        except BaseException:
            await self._client.close()
            raise
        return self._client

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()
