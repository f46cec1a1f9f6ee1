"""The entries of a broker's authorizer, read and added by requests for which aiokafka has no method."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import SecurityDisabled, for_code
from aiokafka.protocol.admin import CreateAclsRequest, DescribeAclsRequest

from shared.access import Acl
from shared.errors import MisconfiguredError
from shared.kafka import SEND_SECONDS, STOP_SECONDS, connect, new_client, within
from shared.kafka_connection import Kafka

# Kafka's numbers: org.apache.kafka.common.{resource.ResourceType, acl.AclOperation, acl.AclPermissionType}
_ANY, _ALLOW, _LITERAL, _PREFIXED = 1, 3, 3, 4
_RESOURCES = {"topic": 2, "group": 3, "transactional-id": 5}
_OPERATIONS = {
    "Any": 1, "All": 2, "Read": 3, "Write": 4, "Create": 5, "Delete": 6, "Alter": 7, "Describe": 8,
    "ClusterAction": 9, "DescribeConfigs": 10, "AlterConfigs": 11, "IdempotentWrite": 12,
}  # fmt: skip
_RESOURCE_NAMES = {number: name for name, number in _RESOURCES.items()}
_OPERATION_NAMES = {number: name for name, number in _OPERATIONS.items()}
_FAILED = "STOPLINE_KAFKA_SASL_USERNAME, or the certificate, must be a super user, or one that may alter the cluster"


class Allowed(NamedTuple):
    """An entry that allows something, as a broker has it; its operation may be one that the table does not know."""

    principal: str
    resource: str
    name: str
    operation: str
    prefixed: bool
    host: str


async def read_acls(kafka: Kafka) -> list[Allowed]:
    """Return all entries that allow something to do with a topic, a group or a transactional id.

    Raises:
        TransientError: Kafka is unavailable.
        MisconfiguredError: it has no authorizer, or does not answer to this user.
    """
    async with _client(kafka) as client:
        request = DescribeAclsRequest(_ANY, None, _ANY, None, None, _ANY, _ALLOW)
        answer = await _ask(client, request)
    _check(answer.error_code, answer.error_message)
    return [
        Allowed(principal, _RESOURCE_NAMES[kind], name, _OPERATION_NAMES[operation], pattern == _PREFIXED, host)
        for kind, name, pattern, entries in answer.resources
        if kind in _RESOURCE_NAMES
        for principal, host, operation, _ in entries
    ]


async def add_acls(kafka: Kafka, acls: Iterable[Acl]) -> None:
    """Add the entries that are missing. Raises as `read_acls` does."""
    async with _client(kafka) as client:
        for acl in acls:
            pattern = _PREFIXED if acl.prefixed else _LITERAL
            what = (_RESOURCES[acl.resource], acl.name, pattern, acl.principal, "*", _OPERATIONS[acl.operation], _ALLOW)
            for code, message in (await _ask(client, CreateAclsRequest(*what))).creation_responses:
                _check(code, message)


@asynccontextmanager
async def _client(kafka: Kafka) -> AsyncIterator[AIOKafkaClient]:
    client = new_client(kafka)
    try:
        await connect(client.bootstrap(), kafka)
        yield client
    finally:
        await within(STOP_SECONDS, client.close(), "disconnecting")


async def _ask(client: AIOKafkaClient, request: Any) -> Any:
    node = client.get_random_node()
    return await within(SEND_SECONDS, client.send(node, request), "asking for the ACLs")


def _check(code: int, message: str | None) -> None:
    if code == SecurityDisabled.errno:
        raise MisconfiguredError(
            "this Kafka has no authorizer, so that everybody may do everything: see docs/security.md"
        )
    if code:
        raise MisconfiguredError(f"Kafka refused: {for_code(code).__name__}: {message}; {_FAILED}")
