"""Settings of the opt-out pipeline, and what it has in common with the customer API."""

from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from services.optout.policies import ShippedPolicy, shipped_policies
from shared.postgres import DatabaseAddress
from shared.settings import ServiceSettings


def optout_database(url: str) -> DatabaseAddress:
    """Return the address of the opt-out service's database."""
    return DatabaseAddress(url, "STOPLINE_OPTOUT_DATABASE_URL", statement_seconds=30.0)


class DatabaseSettings(ServiceSettings):
    """The settings of both processes: the topics, and the database that they share."""

    optout_database_url: SecretStr
    unprotected_record: bool = False
    """Run although the database's role could change the record, and make the tables with it."""
    reach_policies_file: Path | None = None
    """A file like `services/optout/policies/data/shipped.toml`, in its place."""

    @cached_property
    def shipped_policies(self) -> tuple[ShippedPolicy, ...]:
        """The reach policies for all accounts; the file is read once."""
        return shipped_policies(self.reach_policies_file)

    @model_validator(mode="after")
    def _policies_can_be_read(self) -> Self:
        _ = self.shipped_policies
        return self

    @property
    def database(self) -> DatabaseAddress:
        return optout_database(self.optout_database_url.get_secret_value())


class OptOutSettings(DatabaseSettings):
    """The pipeline's settings, read from `STOPLINE_…` as `shared.settings` describes; it knows no customer's secret."""

    group_id: str = "stopline-optout"
    session_timeout_seconds: Annotated[float, Field(ge=1, le=300)] = 10
    """How long a process may be silent before its partitions go to another."""
    batch_records: Annotated[int, Field(ge=1, le=10_000)] = 2_000
    attribution_window_days: Annotated[int, Field(ge=1, le=365)] = 30
    checkpoint_seconds: Annotated[float, Field(ge=0, le=3600)] = 30
    idle_checkpoint_seconds: Annotated[float, Field(ge=1, le=3600)] = 60
    """So often a partition is proven without a change too: a suppression that somebody else wrote is found."""
    pipeline_connections: Annotated[int, Field(ge=2, le=200)] = 12
    """Two at most for each partition."""

    @property
    def attribution_window(self) -> timedelta:
        return timedelta(days=self.attribution_window_days)
