"""The addresses of a running stack."""

from pydantic import BaseModel, ConfigDict


class Endpoints(BaseModel):
    """The addresses of a stack's parts, and the administrator's token; `kafka_settings` are environment variables.

    `phones_url` is the page of simulated phones, where there is one.
    """

    model_config = ConfigDict(frozen=True)

    kafka_bootstrap: str
    kafka_settings: dict[str, str]
    services: dict[str, str]
    metrics: dict[str, str]
    inbound_url: str
    api_url: str
    sender_url: str
    sandbox_url: str
    links_url: str
    dashboard_url: str | None = None
    phones_url: str | None = None
    optout_database_url: str
    sender_database_url: str
    admin_token: str
    logs: str
