"""The settings of the page of phones."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from harness.account import DEMO_ACCOUNT_ID
from shared.events.base import AccountId
from shared.settings import KafkaSettings


class PhonesSettings(KafkaSettings):
    """The settings of `harness/phones`: where everything is, and who it acts as."""

    model_config = SettingsConfigDict(env_prefix="STOPLINE_", frozen=True)

    http_host: str = "127.0.0.1"
    """Inside a container 0.0.0.0, with the port published for 127.0.0.1 alone: the page is for this machine."""
    http_port: Annotated[int, Field(ge=1, le=65535)] = 8089
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"

    phones_sandbox_url: str
    phones_api_url: str
    phones_inbound_url: str
    """Where the sandbox posts replies."""
    phones_link_url: str = ""
    """What opt-out links begin with; empty: messages have none."""
    phones_dashboard_url: str = ""
    phones_health: dict[str, str] = Field(default_factory=dict)
    """The addresses of the services whose health is shown, by name."""

    phones_account_id: AccountId = DEMO_ACCOUNT_ID
    phones_api_key: SecretStr | None = None
    admin_token: SecretStr | None = None
    """Without an API key: makes the account, or a key for it."""
    phones_dir: Path | None = None
    """Where such a key is kept."""

    phones_control_socket: Path | None = None
    """The control socket of the background stack; without it nothing can be killed or frozen."""

    @model_validator(mode="after")
    def _can_act(self) -> Self:
        if self.phones_api_key is None and (self.admin_token is None or self.phones_dir is None):
            raise ValueError(
                "set STOPLINE_PHONES_API_KEY, or STOPLINE_ADMIN_TOKEN and STOPLINE_PHONES_DIR, where a key is kept"
            )
        return self
