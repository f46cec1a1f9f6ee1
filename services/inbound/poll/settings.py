"""Settings of the process that asks gateways' APIs."""

from functools import cached_property
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from services.inbound.poll.api_keys import GatewayAccount, read_api_keys
from services.inbound.poll.credentials import API_CREDENTIALS
from shared.number_pools import NumberPoolSetting
from shared.secret_rules import none_where_empty
from shared.settings import ServiceSettings


class PollSettings(ServiceSettings):
    """The settings of `services/inbound/poll`."""

    gateway_api_keys: Annotated[SecretStr | None, BeforeValidator(none_where_empty)] = None
    """The credentials of accounts for their gateways' APIs, as JSON: see `api_keys.py`."""
    number_pools: NumberPoolSetting
    """The numbers that share their opt-outs at the carrier, by account and by the carrier's id of the pool."""
    poll_seconds: Annotated[float, Field(ge=1, le=3_600)] = 180.0
    """Between two rounds of reading a gateway's messages."""
    poll_overlap_seconds: Annotated[float, Field(ge=0, le=86_400)] = 900.0
    """What each round reads again before the end of the last: a gateway may list a message late."""
    poll_first_seconds: Annotated[float, Field(ge=0, le=604_800)] = 86_400.0
    """How far back the first round of an account reads."""

    @cached_property
    def gateway_accounts(self) -> list[GatewayAccount]:
        """Every account at every gateway that there is a credential for."""
        text = "{}" if self.gateway_api_keys is None else self.gateway_api_keys.get_secret_value()
        return read_api_keys(text, API_CREDENTIALS)

    @model_validator(mode="after")
    def _api_keys_are_right(self) -> Self:
        _ = self.gateway_accounts
        return self
