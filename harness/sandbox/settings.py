"""The sandbox carrier's settings."""

from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.secret_rules import check_known_secrets

Count = Annotated[int, Field(ge=1, le=10_000_000)]


class SandboxSettings(BaseSettings):
    """The settings of `harness/sandbox`. Beyond the `…max…` limits the oldest entries are forgotten, and counted."""

    model_config = SettingsConfigDict(env_prefix="STOPLINE_", frozen=True)

    sandbox_token: Annotated[SecretStr, Field(min_length=1)]
    """The token that the sender sends as `Authorization: Bearer …`: its STOPLINE_CARRIER_TOKEN."""
    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(ge=1, le=65535)] = 8084
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
    sandbox_forget: bool = False
    """Keep neither calls nor messages, for benchmarks of the sender."""

    @model_validator(mode="after")
    def _secrets_are_its_own(self) -> Self:
        check_known_secrets(self.http_host, {"STOPLINE_SANDBOX_TOKEN": self.sandbox_token})
        return self

    sandbox_max_calls: Count = 200_000
    sandbox_max_messages: Count = 200_000
    sandbox_max_messages_per_phone: Count = 10_000
    sandbox_max_webhooks: Count = 50_000
