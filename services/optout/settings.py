"""Settings of the opt-out service."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, SecretStr

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from `STOPLINE_…`, as `shared.settings` describes."""

    optout_database_url: SecretStr
    webhook_key: SecretStr
    admin_token: SecretStr
    public_inbound_url: str = "http://127.0.0.1:8081"

    group_id: str = "stopline-optout"
    session_timeout_seconds: Annotated[float, Field(ge=1, le=300)] = 10
    """How long a process may be silent before its partitions go to another."""
    batch_records: Annotated[int, Field(ge=1, le=10_000)] = 2_000
    attribution_window_days: Annotated[int, Field(ge=1, le=365)] = 30
    checkpoint_seconds: Annotated[float, Field(ge=0, le=3600)] = 30
    database_connections: Annotated[int, Field(ge=1, le=200)] = 10
    """Connections of the API; the pipeline has its own, two at most for each partition."""
    pipeline_connections: Annotated[int, Field(ge=2, le=200)] = 12

    @property
    def attribution_window(self) -> timedelta:
        return timedelta(days=self.attribution_window_days)
