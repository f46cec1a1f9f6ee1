"""Settings of the process that receives from SMSCs."""

from functools import cached_property
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from services.inbound.smpp.binds import SETTING, ReceiverBind, read_receivers
from shared.events.base import AccountId
from shared.number_pools import NumberPoolSetting
from shared.secret_rules import check_known_secrets, none_where_empty
from shared.settings import ServiceSettings


class ReceiverSettings(ServiceSettings):
    """The settings of `services/inbound/smpp`."""

    smpp_receivers: Annotated[SecretStr | None, BeforeValidator(none_where_empty)] = None
    """The binds of accounts as receivers, as JSON: `{"acme": {"host": "…", "system_id": "…", "password": "…"}}`."""
    smpp_publish_seconds: Annotated[float, Field(gt=0, le=8)] = 5.0
    """How long Kafka may take to acknowledge a delivery; then the SMSC is asked to deliver it again."""
    number_pools: NumberPoolSetting
    """The numbers that share their opt-outs at the carrier, by account and by the carrier's id of the pool."""

    @cached_property
    def binds(self) -> list[tuple[AccountId, ReceiverBind]]:
        """Every bind, with the account whose messages come by it."""
        text = "{}" if self.smpp_receivers is None else self.smpp_receivers.get_secret_value()
        return read_receivers(text)

    @model_validator(mode="after")
    def _binds_are_right(self) -> Self:
        for account_id, bind in self.binds:
            check_known_secrets(self.http_host, {f"{SETTING}: {account_id}": bind.password})
        return self
