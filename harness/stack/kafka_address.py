"""How the Kafka of a stack is reached, as settings: for its services, and for tools that have its address book."""

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from shared.kafka_connection import KafkaConnection
from shared.settings import KafkaSettings

_PREFIX = KafkaSettings.model_config["env_prefix"]
_SECURITY = {
    name: field.default
    for name, field in KafkaSettings.model_fields.items()
    if name.startswith("kafka_") and not field.is_required()
}


def unsecured(bootstrap: str) -> dict[str, Any]:
    """Return the settings of a Kafka on this machine, whatever the environment says of another one."""
    return {"kafka_bootstrap": bootstrap, **_SECURITY}


def as_environment(settings: KafkaSettings) -> dict[str, str]:
    """Return what differs from the defaults as the environment of a process, with its secrets."""
    differing = {
        name: getattr(settings, name)
        for name, field in KafkaSettings.model_fields.items()
        if getattr(settings, name) != field.default
    }
    return {f"{_PREFIX}{name.upper()}": _text(value) for name, value in differing.items()}


def connection_of(book: Mapping[str, Any]) -> KafkaConnection:
    """Return how the Kafka of an address book (`Stack.endpoints`) is reached."""
    return settings_of(book).kafka


def settings_of(book: Mapping[str, Any]) -> KafkaSettings:
    """Return the Kafka settings of the stack that an address book describes."""
    kept = {name.removeprefix(_PREFIX).lower(): value for name, value in book.get("kafka_settings", {}).items()}
    return KafkaSettings(**{**unsecured(book["kafka_bootstrap"]), **kept})


def _text(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
