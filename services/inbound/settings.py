"""The inbound service's settings."""

from functools import cached_property
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, SecretStr, model_validator

from services.inbound.gateways import CREDENTIALS, MAY_BE_UNSIGNED
from services.inbound.gateways.credentials import AccountCredentials, read_credentials
from shared.number_pools import NumberPoolSetting
from shared.reception.state import RECEPTION_GAP_SECONDS, ReceptionGap
from shared.secret_rules import LongSecret, OptionalSecret, none_where_empty, values
from shared.settings import ServiceSettings


def _origin(text: str) -> str:
    if text and not text.startswith(("http://", "https://")):
        raise ValueError("must start with https:// or http://")
    return text.rstrip("/")


class InboundSettings(ServiceSettings):
    """The settings of `services/inbound`."""

    webhook_key: LongSecret
    """The key that all webhook secrets are derived from; the same as the customer API's."""
    webhook_key_previous: OptionalSecret = None
    """The previous key, while gateways still use addresses derived from it."""
    gateway_secrets: Annotated[SecretStr | None, BeforeValidator(none_where_empty)] = None
    """The credentials of accounts at their gateways, as JSON: see `gateways/credentials.py`."""
    public_inbound_url: Annotated[str, AfterValidator(_origin)] = ""
    """How gateways reach this service, which some of them sign; empty: as the request says."""

    number_pools: NumberPoolSetting
    """The numbers that share their opt-outs at the carrier, by account and by the carrier's id of the pool."""
    reception_gap_seconds: ReceptionGap = RECEPTION_GAP_SECONDS
    """A silence of the service that is longer is downtime, after which accounts are caught up with."""

    @property
    def webhook_keys(self) -> tuple[str, ...]:
        """Every key that addresses may be derived from, the current one first."""
        return values(self.webhook_key, self.webhook_key_previous)

    @cached_property
    def gateway_credentials(self) -> dict[str, AccountCredentials]:
        """The credentials of accounts, by gateway and account."""
        text = "{}" if self.gateway_secrets is None else self.gateway_secrets.get_secret_value()
        return read_credentials(text, CREDENTIALS, MAY_BE_UNSIGNED)

    @property
    def accounts_with_credentials(self) -> frozenset[str]:
        """The accounts that are taken only at the gateways that `gateway_secrets` names for them."""
        return frozenset(account for accounts in self.gateway_credentials.values() for account in accounts)

    @model_validator(mode="after")
    def _credentials_are_right(self) -> Self:
        _ = self.gateway_credentials
        return self
