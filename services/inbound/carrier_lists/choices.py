"""Which lists of carriers are read, and which records of theirs are written, from the setting `STOPLINE_CARRIER_LISTS`.

It is JSON, by account and carrier, for those that `STOPLINE_GATEWAY_API_KEYS` has credentials for:

    {"acme": {"telnyx": {"read": true}, "clicksend": {"read": true, "opt_out_list": "42"},
              "aws": {"read": true, "write": "account", "opt_out_lists": ["Marketing"]},
              "twilio": {"write": "all", "senders": ["MG0123"]}}}
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from services.inbound.carrier_lists.aws import AwsAccess, AwsOptOuts
from services.inbound.carrier_lists.aws_consents import AwsConsents
from services.inbound.carrier_lists.clicksend import ClickSendOptOuts
from services.inbound.carrier_lists.consents import ConsentWriter, WriteReach
from services.inbound.carrier_lists.credentials import AwsApiCredential, TelnyxApiCredential
from services.inbound.carrier_lists.entry import CarrierList
from services.inbound.carrier_lists.telnyx import TelnyxOptOuts
from services.inbound.carrier_lists.twilio_consents import TwilioConsents
from services.inbound.poll.api_keys import ApiCredential, GatewayAccount
from services.inbound.poll.lists.clicksend import ClickSendApiCredential
from services.inbound.poll.lists.twilio import TwilioApiCredential
from shared.events.base import AccountId
from shared.number_pools import NumberPools
from shared.settings import validated_part

_SETTING = "STOPLINE_CARRIER_LISTS"
MAX_WRITTEN = 50
"""Accounts and carriers that are written to: each reads all of `opt-out-events`."""
_MAX_LISTS = 20
"""Of one account and carrier: each is written to by itself."""
_SHAPE: TypeAdapter[dict[str, dict[str, Any]]] = TypeAdapter(dict[AccountId, dict[str, Any]])
_Name: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_+:/.-]{1,256}$")]
_Names: TypeAlias = Annotated[tuple[_Name, ...], Field(max_length=_MAX_LISTS)]


class ListOptions(BaseModel):
    """The choices for one account and carrier: nothing is read or written that is not named."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    read: bool = False
    write: Literal["off"] | WriteReach = "off"

    def lists(self, _: ApiCredential) -> list[CarrierList]:
        """Return the lists to read."""
        return []

    def writer(self, _: GatewayAccount, __: NumberPools) -> ConsentWriter | None:
        """Return the writer to the carrier's record; None: there is none for it."""
        return None

    def unpooled(self) -> tuple[str, ...]:
        """Return the names that must have their numbers in `STOPLINE_NUMBER_POOLS`."""
        return ()


class _ReadOnly(ListOptions):
    """The choices for a carrier that has nothing to write to."""

    write: Literal["off"] = "off"


class TelnyxListOptions(_ReadOnly):
    messaging_profiles: _Names = ()
    """Whose opt-outs are read; none: all of the account."""

    def lists(self, credential: ApiCredential) -> list[CarrierList]:
        assert isinstance(credential, TelnyxApiCredential)  # noqa: S101 (the table pairs them)
        key, url = credential.api_key, credential.base_url
        return [TelnyxOptOuts(key, profile, url) for profile in self.messaging_profiles or ("",)]


class ClickSendListOptions(_ReadOnly):
    opt_out_list: Annotated[str, Field(pattern="^[0-9]{1,16}$")]
    """The id of the account's opt-out list."""

    def lists(self, credential: ApiCredential) -> list[CarrierList]:
        assert isinstance(credential, ClickSendApiCredential)  # noqa: S101
        return [ClickSendOptOuts(credential.username, credential.api_key, self.opt_out_list, credential.base_url)]

    def unpooled(self) -> tuple[str, ...]:
        return (self.opt_out_list,)


class AwsListOptions(ListOptions):
    opt_out_lists: Annotated[_Names, Field(min_length=1)]

    def lists(self, credential: ApiCredential) -> list[CarrierList]:
        return [
            AwsOptOuts(_aws(credential), name, of_recipients_alone=self.write != "off") for name in self.opt_out_lists
        ]

    def writer(self, account: GatewayAccount, pools: NumberPools) -> ConsentWriter:
        return AwsConsents(_aws(account.credential), account.account_id, self.opt_out_lists, pools)

    def unpooled(self) -> tuple[str, ...]:
        return self.opt_out_lists


class TwilioListOptions(ListOptions):
    read: Literal[False] = False
    senders: Annotated[_Names, Field(min_length=1)]
    """Messaging services, and numbers that are in none."""

    def writer(self, account: GatewayAccount, pools: NumberPools) -> ConsentWriter:
        credential = account.credential
        assert isinstance(credential, TwilioApiCredential)  # noqa: S101
        user = credential.api_key or credential.account_sid
        return TwilioConsents(
            user, credential.auth_token, account.account_id, self.senders, pools, credential.consents_url
        )


def _aws(credential: ApiCredential) -> AwsAccess:
    assert isinstance(credential, AwsApiCredential)  # noqa: S101
    return AwsAccess(
        credential.access_key_id, credential.secret_access_key, credential.region, str(credential.base_url)
    )


class ListWork(NamedTuple):
    """The lists to read and the record to write of one account at one carrier."""

    account: GatewayAccount
    lists: list[CarrierList]
    writer: ConsentWriter | None
    reach: WriteReach


def read_carrier_lists(
    text: str,
    types: Mapping[str, type[ListOptions]],
    accounts: list[GatewayAccount],
    pools: NumberPools,
) -> list[ListWork]:
    """Return what the setting asks for.

    Raises:
        ValueError: names the account, carrier and field that is wrong.
    """
    known = {(each.account_id, each.gateway): each for each in accounts}
    works = []
    for account_id, gateway, given in _each(text):
        place = f"{account_id}: {gateway}: "
        if gateway not in types:
            raise ValueError(f"{_SETTING}: {place}has no list; those that have: {', '.join(types)}")
        options = validated_part(f"{_SETTING}: {place}", types[gateway].model_validate, given)
        if (account_id, gateway) not in known:
            raise ValueError(f"{_SETTING}: {place}STOPLINE_GATEWAY_API_KEYS has no credentials for it")
        missing = [name for name in options.unpooled() if options.read and not pools.get(account_id, {}).get(name)]
        if missing:
            raise ValueError(f"{_SETTING}: {place}STOPLINE_NUMBER_POOLS must say which numbers {missing[0]} is of")
        works.append(_work(known[account_id, gateway], options, pools))
    written = sum(work.writer is not None for work in works)
    if written > MAX_WRITTEN:
        raise ValueError(f"{_SETTING}: has {written} records to write; the limit of one process is {MAX_WRITTEN}")
    return works


def _work(account: GatewayAccount, options: ListOptions, pools: NumberPools) -> ListWork:
    lists = options.lists(account.credential) if options.read else []
    if options.write == "off":
        return ListWork(account, lists, None, "account")
    return ListWork(account, lists, options.writer(account, pools), options.write)


def _each(text: str) -> Iterator[tuple[str, str, object]]:
    for account_id, gateways in validated_part(f"{_SETTING}: ", _SHAPE.validate_json, text).items():
        yield from ((account_id, gateway, given) for gateway, given in gateways.items())
