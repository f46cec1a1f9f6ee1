"""Settings of the sender."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, Json, SecretStr, model_validator

from services.sender.carriers import CARRIERS
from services.sender.carriers.accounts import AccountCarrier, read_account_carriers
from services.sender.carriers.carrier import CarrierSettings
from services.sender.limits.number_limits import CarrierLimitSetting, LimitBook, SenderLimitSetting
from services.sender.links import LinkWriter
from shared.events.base import AccountId
from shared.number_pools import NumberPoolSetting
from shared.opt_out_links import LinkUrl
from shared.postgres import DatabaseAddress
from shared.reception.state import RECEPTION_GAP_SECONDS, ReceptionGap
from shared.secret_rules import OptionalSecret, check_known_secrets, none_where_empty
from shared.settings import ServiceSettings, load


def _known(name: str) -> str:
    if name not in CARRIERS:
        raise ValueError(f"{name!r} is not a carrier; choose one of {', '.join(sorted(CARRIERS))}")
    return name


def _all_known(by_account: dict[AccountId, str]) -> dict[AccountId, str]:
    for name in by_account.values():
        _known(name)
    return by_account


def sender_database(url: str) -> DatabaseAddress:
    """Return the address of the ledger's database."""
    return DatabaseAddress(url, "STOPLINE_SENDER_DATABASE_URL", statement_seconds=15.0)


def _secrets_of(adapter: CarrierSettings, prefix: str) -> dict[str, object]:
    return {f"{prefix}{name.upper()}": getattr(adapter, name) for name in type(adapter).model_fields}


class SenderSettings(ServiceSettings):
    """The sender's settings, read from `STOPLINE_…` as `shared.settings` describes."""

    sender_database_url: SecretStr
    cache_dir: Path

    carrier: Annotated[str, AfterValidator(_known)] = "generic"
    """The carrier of every account that `carriers_by_account` does not name."""
    carriers_by_account: Annotated[Json[dict[AccountId, str]], AfterValidator(_all_known), Field(default="{}")]
    """The carriers of single accounts, as JSON: `{"acme": "generic"}`."""
    carrier_accounts: Annotated[SecretStr | None, BeforeValidator(none_where_empty)] = None
    """The carriers of accounts that have credentials of their own, as JSON: see `carriers/accounts.py`."""

    number_pools: NumberPoolSetting
    """The numbers that share their opt-outs at the carrier, by account and by the carrier's id of the pool."""
    sender_limits: SenderLimitSetting
    """What a carrier takes from sender numbers, by account and by a name."""
    carrier_limits: CarrierLimitSetting
    """What a carrier takes from each number without a limit by name, by the carrier and the number's type."""
    link_url: LinkUrl = None
    """The address that opt-out links begin with; without it, no message with a place for a link leaves."""
    link_key: OptionalSecret = None
    """The key that the ends of links are computed with; nobody else needs it."""

    sender_group_id: str = "stopline-sender"
    session_timeout_seconds: Annotated[float, Field(ge=1, le=300)] = 10
    batch_records: Annotated[int, Field(ge=1, le=10_000)] = 2_000
    calls_in_flight: Annotated[int, Field(ge=1, le=2_000)] = 200
    call_seconds: Annotated[float, Field(gt=0, le=120)] = 20
    """How long the carrier may take to answer; then the outcome is unknown."""
    throttled_seconds: Annotated[float, Field(ge=0, le=86_400)] = 3_600
    """How long a message is decided again that its carrier refuses for its pace alone; then it has failed."""
    sweep_margin_seconds: Annotated[float, Field(gt=0, le=600)] = 10
    """How much longer than a call may take until its process is taken for dead."""
    silence_seconds: Annotated[float, Field(ge=0, le=10_800)] = 180
    """After which a partition that the opt-out service says nothing about makes the sender not ready; 0: never."""
    fence_seconds: Annotated[float, Field(gt=0, le=120)] = 10
    reception_gap_seconds: ReceptionGap = RECEPTION_GAP_SECONDS
    """A silence of the inbound service that is longer is downtime; the same as that of inbound."""
    catch_up_wait_seconds: Annotated[float, Field(ge=0, le=86_400)] = 3_600
    """How long messages wait, after downtime, for their account to be caught up with at its gateways; 0: not at all."""
    snapshot_seconds: Annotated[float, Field(gt=0, le=86_400)] = 300
    database_connections: Annotated[int, Field(ge=2, le=200)] = 10
    stop_seconds: Annotated[float, Field(gt=0, le=120)] = 6
    """How long calls under way get to end when the service is stopped; then their outcome is unknown."""

    @cached_property
    def carrier_adapters(self) -> dict[str, CarrierSettings]:
        """The settings of every carrier that accounts without credentials of their own use, by name; read once."""
        names = {self.carrier, *self.carriers_by_account.values()}
        return {name: load(CARRIERS[name]) for name in sorted(names)}

    @cached_property
    def account_carriers(self) -> dict[AccountId, AccountCarrier]:
        """The carriers of accounts with credentials of their own."""
        given = self.carrier_accounts
        return read_account_carriers("" if given is None else given.get_secret_value(), CARRIERS)

    @model_validator(mode="after")
    def _carriers_are_configured(self) -> Self:
        for adapter in self.carrier_adapters.values():
            check_known_secrets(self.http_host, _secrets_of(adapter, "STOPLINE_"))
        for account_id, each in self.account_carriers.items():
            check_known_secrets(self.http_host, _secrets_of(each.adapter, f"STOPLINE_CARRIER_ACCOUNTS: {account_id}: "))
        return self

    @model_validator(mode="after")
    def _accounts_have_one_carrier(self) -> Self:
        if both := sorted(self.account_carriers.keys() & self.carriers_by_account.keys()):
            raise ValueError(
                f"{', '.join(both)}: in STOPLINE_CARRIERS_BY_ACCOUNT and in STOPLINE_CARRIER_ACCOUNTS; one must go"
            )
        return self

    @model_validator(mode="after")
    def _limits_are_of_carriers_in_use(self) -> Self:
        used = {*self.carrier_adapters, *(each.carrier for each in self.account_carriers.values())}
        unused = sorted(self.carrier_limits.keys() - used)
        if unused:
            raise ValueError(f"STOPLINE_CARRIER_LIMITS: no account uses the carrier {unused[0]!r}")
        return self

    @property
    def limit_book(self) -> LimitBook:
        return LimitBook(self.sender_limits, self.carrier_limits)

    @model_validator(mode="after")
    def _links_have_both(self) -> Self:
        if (self.link_url is None) != (self.link_key is None):
            raise ValueError("STOPLINE_LINK_URL and STOPLINE_LINK_KEY need each other: set both, or none")
        return self

    @property
    def links(self) -> LinkWriter:
        key = "" if self.link_key is None else self.link_key.get_secret_value()
        return LinkWriter(self.link_url, key, self.partitions)

    @property
    def database(self) -> DatabaseAddress:
        return sender_database(self.sender_database_url.get_secret_value())

    @property
    def sweep_after_seconds(self) -> float:
        """A call that is older than this has lost its process."""
        return self.call_seconds + self.sweep_margin_seconds
