"""Settings of the dashboard."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from shared.secret_rules import OptionalSecret, none_where_empty
from shared.settings import HttpSettings

_HTTPS = "https://"
_Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+$")]


class DashboardSettings(HttpSettings):
    """The settings of the process: what people may do is decided by the API, with their sessions."""

    api_url: _Url
    """The customer API, as this process reaches it."""
    dashboard_token: OptionalSecret = None
    """The API's: with it the API limits wrong sign-ins by the person's address, and not by this process's."""
    api_ca_file: Annotated[Path | None, BeforeValidator(none_where_empty)] = None
    """Authorities that may sign the API's certificate, as PEM; None: those of the system."""
    public_dashboard_url: Annotated[_Url | None, BeforeValidator(none_where_empty)] = None
    """How people reach the dashboard. With https, cookies are sent over TLS alone; None: as the request came."""
    watched_services: Annotated[str, Field(max_length=4_000)] = ""
    """The services whose health is shown, as `name=http://host:port` separated by commas."""

    @property
    def is_https(self) -> bool | None:
        """Whether people reach the dashboard by https; None: as the request came."""
        return None if self.public_dashboard_url is None else self.public_dashboard_url.startswith(_HTTPS)

    @cached_property
    def watched(self) -> dict[str, str]:
        """The address of each service whose health is shown."""
        named = [part.strip().partition("=") for part in self.watched_services.split(",") if part.strip()]
        for name, _, url in named:
            if not name or not url.startswith(("http://", _HTTPS)):
                raise ValueError("write name=http://host:port, separated by commas")
        return {name: url.rstrip("/") for name, _, url in named}

    @model_validator(mode="after")
    def _watched_can_be_read(self) -> Self:
        _ = self.watched
        return self
