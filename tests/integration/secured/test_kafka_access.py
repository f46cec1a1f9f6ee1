"""Each cell of the table of docs/security.md, tried on a real broker by a client that shares no code with ours."""

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import (
    OFFSET_BEGINNING,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka import Consumer as LibrdkafkaConsumer
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)
from secured_kafka import ADMIN, SecuredKafka

from shared.access import ALL_TOPICS, Role, roles
from shared.topics import SUPPRESSIONS

SECONDS = 15.0
ROLES = {role.name: role for role in roles()}
NOBODY = Role("nobody", "has a login, and no rights", describes=False)
EVERYBODY = pytest.mark.parametrize("role", [*ROLES.values(), NOBODY], ids=lambda role: role.name)
READING = "test-reading"
DENIED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}
GROUPS = ("stopline-optout", "stopline-sender", "stopline-sender-receipts", "reader-1", "operator-1", "other")
TRANSACTIONAL_IDS = ("stopline-optout-0", "stopline-sender-0", "other")


@pytest.fixture(scope="module", autouse=True)
def _anybody_may_use_a_group_of_the_tests(kafka: SecuredKafka) -> None:
    """Or librdkafka, which wants a group also where it needs none, says nothing of the topic."""
    right = AclBinding(
        ResourceType.GROUP, READING, ResourcePatternType.LITERAL, "User:*", "*",
        AclOperation.READ, AclPermissionType.ALLOW,
    )  # fmt: skip
    admin = AdminClient(kafka.librdkafka(ADMIN))  # has to live until it has answered
    for made in admin.create_acls([right]).values():
        made.result(SECONDS)


def denied(error: KafkaError | None) -> bool:
    """Distinguish a refusal from success; whatever else went wrong is neither."""
    if error is None or error.code() == KafkaError.GROUP_ID_NOT_FOUND:
        return False
    assert error.code() in DENIED, error
    return True


def refuses(action: Callable[[], Any]) -> bool:
    try:
        action()
    except KafkaException as raised:
        return denied(raised.args[0])
    return False


@EVERYBODY
def test_who_may_write_which_topic(kafka: SecuredKafka, role: Role) -> None:
    assert [topic for topic in ALL_TOPICS if may_write(kafka, role, topic)] == [
        t for t in ALL_TOPICS if t in role.writes
    ]


def may_write(kafka: SecuredKafka, role: Role, topic: str) -> bool:
    """Report whether a record gets in; one that a sender would stop at is aborted, so that none reads it."""
    is_transactional = topic == SUPPRESSIONS and role.name == "optout"
    more = {"transactional.id": f"{role.transactional_ids[0]}test"} if is_transactional else {}
    producer = Producer(kafka.librdkafka(role.name, **more))
    errors: list[KafkaError | None] = []
    if is_transactional:
        producer.init_transactions(SECONDS)
        producer.begin_transaction()
    producer.produce(topic, b"not for anybody", b"+13125550100", partition=0, on_delivery=lambda e, _: errors.append(e))
    assert producer.flush(SECONDS) == 0
    if is_transactional:
        producer.abort_transaction(SECONDS)
    return not denied(errors[0])


@EVERYBODY
def test_who_may_read_which_topic(kafka: SecuredKafka, role: Role) -> None:
    assert [topic for topic in ALL_TOPICS if may_read(kafka, role, topic)] == [t for t in ALL_TOPICS if t in role.reads]


def may_read(kafka: SecuredKafka, role: Role, topic: str) -> bool:
    more = {"group.id": READING, "enable.partition.eof": True}
    consumer = LibrdkafkaConsumer(kafka.librdkafka(role.name, **more))
    try:
        unseen = consumer.list_topics(topic, SECONDS).topics[topic].error
        if unseen is not None:
            return not denied(unseen)
        consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
        record = consumer.poll(SECONDS)
        assert record is not None
        error = record.error()
        return error is None or error.code() == KafkaError._PARTITION_EOF or not denied(error)
    finally:
        consumer.close()


@EVERYBODY
def test_who_may_use_which_group(kafka: SecuredKafka, role: Role) -> None:
    """To look at a group is less than to join it or to commit for it: whoever may not look may do neither."""

    def may_look(group: str) -> bool:
        admin = AdminClient(kafka.librdkafka(role.name))
        asked = admin.describe_consumer_groups([group])
        return not refuses(lambda: asked[group].result(SECONDS))

    allowed = [group for group in GROUPS if group.startswith(tuple(role.groups))]
    assert [group for group in GROUPS if may_look(group)] == allowed


@EVERYBODY
def test_who_may_use_which_transactional_id(kafka: SecuredKafka, role: Role) -> None:
    """With the id of a partition's worker anybody could end it, as its successor does."""

    def may_use(transactional_id: str) -> bool:
        producer = Producer(kafka.librdkafka(role.name, **{"transactional.id": transactional_id}))
        return not refuses(lambda: producer.init_transactions(SECONDS))

    allowed = [each for each in TRANSACTIONAL_IDS if each.startswith(tuple(role.transactional_ids))]
    assert [each for each in TRANSACTIONAL_IDS if may_use(each)] == allowed


@EVERYBODY
def test_nobody_changes_topics_groups_or_rights(kafka: SecuredKafka, role: Role) -> None:
    admin = AdminClient(kafka.librdkafka(role.name))
    config = ConfigResource(ResourceType.TOPIC, SUPPRESSIONS)
    config.add_incremental_config(ConfigEntry("retention.ms", "1", incremental_operation=AlterConfigOpType.SET))
    right = AclBinding(
        ResourceType.TOPIC, SUPPRESSIONS, ResourcePatternType.LITERAL, f"User:{role.name}", "*",
        AclOperation.WRITE, AclPermissionType.ALLOW,
    )  # fmt: skip
    attempts = {
        "delete a topic": admin.delete_topics([SUPPRESSIONS]),
        "make a topic": admin.create_topics([NewTopic("mine", 1, 1)]),
        "add partitions": admin.create_partitions([NewPartitions(SUPPRESSIONS, 4)]),
        "change a config": admin.incremental_alter_configs([config]),
        "give a right": admin.create_acls([right]),
        "delete a group": admin.delete_consumer_groups(["stopline-optout"] if role.name != "optout" else ["other"]),
    }
    if role.describes:  # or the client does not find whom to ask
        attempts["delete records"] = admin.delete_records([TopicPartition(SUPPRESSIONS, 0, 1)])
    succeeded = [
        what
        for what, made in attempts.items()
        for each in made.values()
        if not refuses(lambda: each.result(SECONDS))  # noqa: B023
    ]
    assert succeeded == []
