"""The AsyncAPI 3 document: topics, the events on them, how they are keyed, who writes and who reads."""

from typing import Any

from shared.contract.registry import CONTRACTS, TopicContract, event_name
from shared.contract.schemas import DIALECT
from shared.events.base import Event
from shared.settings import KafkaSettings
from shared.topics import PARKED_MESSAGES, Topic, topics

_BINDING_VERSION = "0.5.0"
_SCHEMA_FORMAT = "application/schema+json;version=draft-07"
_LISTS = {"cleanup.policy"}
_NUMBERS = {"retention.ms", "max.message.bytes"}
_IN_THE_BINDING = _LISTS | _NUMBERS
_DESCRIPTION = """\
Stopline keeps SMS senders from messaging people who opted out. `outbound-messages` is the topic for producers; the
events on `delivery-events` and `opt-out-events` are for anyone to follow. Values are JSON. A `version` is raised when
an event changes in a way that an old reader would misread; fields may be added at any time, so ignore those that you
do not know. Partition counts and replicas are the defaults of a deployment.
"""


def asyncapi_document(settings: KafkaSettings) -> dict[str, Any]:
    """Return the document, with the topics as `settings` makes them."""
    kept = {topic.name: topic for topic in topics(settings)}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Stopline",
            "version": "1.0.0",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {
            **{contract.name: _channel(contract, kept[contract.name]) for contract in CONTRACTS},
            PARKED_MESSAGES: _parked_channel(kept[PARKED_MESSAGES]),
        },
        "operations": {
            **{name: operation for contract in CONTRACTS for name, operation in _operations(contract).items()},
            f"send_{PARKED_MESSAGES}": _operation("send", PARKED_MESSAGES, "Records that could not be processed."),
        },
        "components": {
            "messages": {
                **{event_name(event): _message(event, contract) for contract in CONTRACTS for event in contract.events},
                "parked_record": _parked_message(),
            }
        },
    }


def _channel(contract: TopicContract, topic: Topic) -> dict[str, Any]:
    names = [event_name(event) for event in contract.events]
    return {
        "address": contract.name,
        "description": contract.description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": _topic_binding(topic),
    }


def _topic_binding(topic: Topic) -> dict[str, Any]:
    configs: dict[str, Any] = {name: topic.configs[name] for name in topic.configs if name in _IN_THE_BINDING}
    configs.update({name: configs[name].split(",") for name in _LISTS & configs.keys()})
    configs.update({name: int(configs[name]) for name in _NUMBERS & configs.keys()})
    binding = {
        "topic": topic.name,
        "partitions": topic.partitions,
        "replicas": topic.replication_factor,
        "topicConfiguration": configs,
        "bindingVersion": _BINDING_VERSION,
    }
    return {"kafka": binding}


def _operations(contract: TopicContract) -> dict[str, Any]:
    action = "send" if contract.ours_to_write else "receive"
    return {f"{action}_{contract.name}": _operation(action, contract.name, contract.description)}


def _operation(action: str, channel: str, summary: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "summary": summary}


def _message(event: type[Event], contract: TopicContract) -> dict[str, Any]:
    return {
        "name": event_name(event),
        "title": event.__name__,
        "summary": (event.__doc__ or event.__name__).strip().splitlines()[0],
        "contentType": "application/json",
        "headers": _headers(event, required=contract.ours_to_write),
        "payload": {"schemaFormat": _SCHEMA_FORMAT, "schema": {"$ref": f"./schemas/{event_name(event)}.json"}},
        "bindings": _key_binding(contract.key),
    }


def _headers(event: type[Event], *, required: bool) -> dict[str, Any]:
    """Return the schema of CloudEvents' Kafka headers (binary mode); outside producers may leave them out."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "ce_specversion": {"const": "1.0"},
            "ce_id": {"type": "string"},
            "ce_type": {"const": event.cloud_event_type()},
            "ce_source": {"type": "string", "examples": ["stopline/sender"]},
            "ce_time": {"type": "string", "format": "date-time"},
            "content-type": {"const": "application/json"},
        },
    }
    if required:
        schema["required"] = ["ce_specversion", "ce_id", "ce_type", "ce_source", "content-type"]
    return {"schemaFormat": _SCHEMA_FORMAT, "schema": {"$schema": DIALECT, **schema}}


def _key_binding(description: str) -> dict[str, Any]:
    key = {"type": "string", "description": description}
    return {"kafka": {"key": key, "bindingVersion": _BINDING_VERSION}}


def _parked_channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "description": "Records and webhooks that could not be processed, with their original bytes; for operators.",
        "messages": {"parked_record": {"$ref": "#/components/messages/parked_record"}},
        "bindings": _topic_binding(topic),
    }


def _parked_message() -> dict[str, Any]:
    names = ["parked_id", "parked_reason", "parked_detail", "parked_by", "parked_at"]
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": names}
    return {
        "name": "parked_record",
        "title": "ParkedRecord",
        "summary": "Key and value of the original, byte for byte; headers say why, and where it was.",
        "contentType": "application/octet-stream",
        "headers": {"schemaFormat": _SCHEMA_FORMAT, "schema": {"$schema": DIALECT, **schema}},
        "payload": {"schemaFormat": _SCHEMA_FORMAT, "schema": True},
        "bindings": _key_binding("the original's"),
    }
