"""Settings of the sender."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from shared.settings import ServiceSettings


class SenderSettings(ServiceSettings):
    """The sender's settings, read from `STOPLINE_…` as `shared.settings` describes."""

    sender_database_url: SecretStr
    carrier_url: Annotated[str, Field(pattern="^https?://")]
    carrier_token: Annotated[SecretStr, Field(min_length=8)]
    cache_dir: Path

    sender_group_id: str = "stopline-sender"
    session_timeout_seconds: Annotated[float, Field(ge=1, le=300)] = 10
    batch_records: Annotated[int, Field(ge=1, le=10_000)] = 2_000
    calls_in_flight: Annotated[int, Field(ge=1, le=2_000)] = 200
    call_seconds: Annotated[float, Field(gt=0, le=120)] = 20
    """How long the carrier may take to answer; then the outcome is unknown."""
    sweep_margin_seconds: Annotated[float, Field(gt=0, le=600)] = 10
    """How much longer than a call may take until its process is taken for dead."""
    fence_seconds: Annotated[float, Field(gt=0, le=120)] = 10
    snapshot_seconds: Annotated[float, Field(gt=0, le=86_400)] = 300
    database_connections: Annotated[int, Field(ge=2, le=200)] = 10
    stop_seconds: Annotated[float, Field(gt=0, le=120)] = 6
    """How long calls under way get to end when the service is stopped; then their outcome is unknown."""

    @property
    def sweep_after_seconds(self) -> float:
        """A call that is older than this has lost its process."""
        return self.call_seconds + self.sweep_margin_seconds
