"""Settings come from the environment (`STOPLINE_…`); a missing or wrong one ends the start with one line."""

from typing import Annotated, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import MisconfiguredError

SettingsT = TypeVar("SettingsT", bound=BaseSettings)


class KafkaSettings(BaseSettings):
    """How to reach Kafka, and what its topics must look like."""

    model_config = SettingsConfigDict(env_prefix="STOPLINE_", frozen=True)

    kafka_bootstrap: Annotated[str, Field(pattern=r"^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$")]
    """`host:port`, several separated by commas."""
    partitions: Annotated[int, Field(ge=1, le=1000)] = 6
    """Partitions of every topic that is placed by phone. Fixed for the life of a deployment."""
    replication_factor: Annotated[int, Field(ge=1, le=7)] = 1
    """Copies of every record; 3 in production, which also sets `min.insync.replicas` to 2."""


class ServiceSettings(KafkaSettings):
    """What every service needs."""

    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(ge=1, le=65535)]
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"


def load(settings_type: type[SettingsT]) -> SettingsT:
    """Read the settings.

    Raises:
        MisconfiguredError: one line that names each setting that is missing or wrong.
    """
    try:
        return settings_type()
    except ValidationError as error:
        problems = "; ".join(
            f"STOPLINE_{'_'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        )
        raise MisconfiguredError(f"settings: {problems}") from None
