"""Settings of the customer API."""

from typing import Annotated

from pydantic import Field, SecretStr

from services.optout.settings import DatabaseSettings


class ApiSettings(DatabaseSettings):
    """Read from `STOPLINE_…`, as `shared.settings` describes."""

    webhook_key: SecretStr
    admin_token: SecretStr
    public_inbound_url: str = "http://127.0.0.1:8081"
    webhook_ports: Annotated[str, Field(pattern=r"^\d{1,5}(,\d{1,5})*$")] = "443,8443"
    """Ports of customers' addresses that may be called, separated by commas."""
    database_connections: Annotated[int, Field(ge=1, le=200)] = 10
    """Of each process of the API, for requests, simulations and customers' webhooks together."""

    @property
    def called_ports(self) -> frozenset[int]:
        """What `webhook_ports` names."""
        return frozenset(int(port) for port in self.webhook_ports.split(","))
