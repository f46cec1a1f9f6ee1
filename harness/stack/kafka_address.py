"""How to reach the Kafka of a stack: as settings, and as the environment of a process."""

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from shared.settings import KafkaSettings

_PREFIX = KafkaSettings.model_config["env_prefix"]
_SECURITY = {
    name: field.default
    for name, field in KafkaSettings.model_fields.items()
    if name.startswith("kafka_") and not field.is_required()
}


def unsecured(bootstrap: str) -> dict[str, Any]:
    """Return the settings of a Kafka on this machine; the environment may be about another one and is ignored."""
    return {"kafka_bootstrap": bootstrap, **_SECURITY}


def as_environment(settings: KafkaSettings) -> dict[str, str]:
    """Return the settings that differ from the defaults, secrets included, as environment variables."""
    differing = {
        name: getattr(settings, name)
        for name, field in KafkaSettings.model_fields.items()
        if getattr(settings, name) != field.default
    }
    return {f"{_PREFIX}{name.upper()}": _text(value) for name, value in differing.items()}


def settings_from(bootstrap: str, environment: Mapping[str, str]) -> KafkaSettings:
    """Return the settings of the Kafka at `bootstrap` whose other settings are as `as_environment` returned them."""
    differing: dict[str, Any] = {name.removeprefix(_PREFIX).lower(): value for name, value in environment.items()}
    return KafkaSettings(**{**unsecured(bootstrap), **differing})


def _text(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
