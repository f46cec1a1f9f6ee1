"""Settings of the customer API."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from services.optout.pseudonyms import Pseudonyms
from services.optout.settings import DatabaseSettings
from shared.opt_out_links import LinkUrl
from shared.reception.state import RECEPTION_GAP_SECONDS, ReceptionGap
from shared.secret_rules import LongSecret, OptionalSecret, values


class ApiSettings(DatabaseSettings):
    """The settings of the API, read from `STOPLINE_…` as `shared.settings` describes."""

    webhook_key: LongSecret
    webhook_key_previous: OptionalSecret = None
    """The key before, with which calls to customers are signed too, until their signing secrets are changed."""
    admin_token: LongSecret
    dashboard_token: OptionalSecret = None
    """By which a dashboard shows that it is one: then it says from where somebody signs in."""
    public_inbound_url: str = "http://127.0.0.1:8081"
    public_api_url: str | None = None
    """Where customers reach this API, for addresses of pages and files; without it, what the request's Host says."""
    erasure_key: OptionalSecret = None
    """With it an erased phone is hashed; without it nobody is erased."""
    erasure_key_previous: OptionalSecret = None
    """The keys before, separated by commas: what was erased with them is still found by its phone."""
    link_url: LinkUrl = None
    """As the sender's: without it no account can have a link appended to its messages."""
    webhook_ports: Annotated[str, Field(pattern=r"^\d{1,5}(,\d{1,5})*$")] = "443,8443"
    """Ports of customers' addresses that may be called, separated by commas."""
    api_cache_dir: Path
    """A folder for its copy of the suppressions; several processes may have the same."""
    snapshot_seconds: Annotated[float, Field(gt=0, le=86_400)] = 300
    api_group_id: str = "stopline-api"
    """The consumer group in which all processes of the API share the delivery events."""
    reception_gap_seconds: ReceptionGap = RECEPTION_GAP_SECONDS
    """As the inbound service's: a longer silence of it is shown as downtime."""
    database_connections: Annotated[int, Field(ge=1, le=200)] = 4
    """Of each process of the API, for requests, simulations and customers' webhooks together."""

    @property
    def pseudonyms(self) -> Pseudonyms:
        """Return what phones of erased recipients are replaced by."""
        secrets = values(self.erasure_key, self.erasure_key_previous)
        return Pseudonyms([key for each in secrets for key in each.split(",")])

    @property
    def webhook_keys(self) -> tuple[str, ...]:
        """The keys that calls to customers are signed with, the present one first."""
        return values(self.webhook_key, self.webhook_key_previous)

    @property
    def called_ports(self) -> frozenset[int]:
        """Return the ports that `webhook_ports` names."""
        return frozenset(int(port) for port in self.webhook_ports.split(","))
