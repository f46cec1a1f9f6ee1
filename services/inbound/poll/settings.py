"""Settings of the process that asks gateways' APIs."""

from functools import cached_property
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from services.inbound.carrier_lists.choices import ListWork, read_carrier_lists
from services.inbound.poll.api_keys import GatewayAccount, read_api_keys
from services.inbound.poll.credentials import API_CREDENTIALS, LIST_OPTIONS
from shared.number_pools import NumberPoolSetting
from shared.secret_rules import none_where_empty
from shared.settings import ServiceSettings


class PollSettings(ServiceSettings):
    """The settings of `services/inbound/poll`."""

    gateway_api_keys: Annotated[SecretStr | None, BeforeValidator(none_where_empty)] = None
    """The credentials of accounts for their gateways' APIs, as JSON: see `api_keys.py`."""
    number_pools: NumberPoolSetting
    """The numbers that share their opt-outs at the carrier, by account and by the carrier's id of the pool."""
    carrier_lists: Annotated[str, BeforeValidator(lambda text: text or "{}")] = "{}"
    """Which lists of carriers are read, and which records are written, as JSON: see `carrier_lists/choices.py`."""
    carrier_list_seconds: Annotated[float, Field(ge=10, le=86_400)] = 900.0
    """Between two rounds of reading a carrier's opt-out list."""
    poll_group_id: Annotated[str, Field(min_length=1, max_length=100)] = "stopline-poll"
    """The beginning of the consumer groups that write to carriers' records, one for each account and carrier."""
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

    @cached_property
    def carrier_list_works(self) -> list[ListWork]:
        """The lists of carriers to read, and their records to write."""
        return read_carrier_lists(self.carrier_lists, LIST_OPTIONS, self.gateway_accounts, self.number_pools)

    @model_validator(mode="after")
    def _api_keys_are_right(self) -> Self:
        _ = self.gateway_accounts, self.carrier_list_works
        return self
