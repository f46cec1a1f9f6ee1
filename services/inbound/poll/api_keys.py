"""The credentials for gateways' APIs, from the setting `STOPLINE_GATEWAY_API_KEYS`.

It is JSON, such as `{"acme": {"twilio": {"account_sid": "AC…", "auth_token": "…"}}}`: by account, then by gateway. They
are not those of webhooks (`STOPLINE_GATEWAY_SECRETS`): with these one can read and write at the gateway.
"""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter

from shared.events.base import AccountId
from shared.settings import validated_part

_SETTING = "STOPLINE_GATEWAY_API_KEYS"
_SHAPE: TypeAdapter[dict[str, dict[str, Any]]] = TypeAdapter(dict[AccountId, dict[str, Any]])
_LOOPBACK = "127.0.0.1"
MAX_API_ACCOUNTS = 10_000
"""Pairs of an account and a gateway, which one process works through."""


def _address(text: str) -> str:
    url = urlsplit(text)
    is_inside = url.scheme == "http" and (url.hostname == _LOOPBACK or "." not in (url.hostname or "."))
    if url.scheme != "https" and not is_inside:
        raise ValueError("must start with https://, or be http:// and a name on this machine's own networks")
    return text.rstrip("/")


ApiUrl = Annotated[str, AfterValidator(_address)]
"""The address of an API; another than the gateway's own is for tests, and for a proxy."""


class ApiCredential(BaseModel):
    """A credential of one account for the API of one gateway; its fields are those of the setting."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: ApiUrl

    def headers(self) -> Mapping[str, str]:
        """Return the headers that every request to the API has."""
        raise NotImplementedError


ApiCredentialType = type[ApiCredential]


class GatewayAccount(NamedTuple):
    """An account at one gateway, with the credential for the gateway's API."""

    account_id: str
    gateway: str
    credential: ApiCredential

    def __str__(self) -> str:
        return f"account {self.account_id} at {self.gateway}"


def read_api_keys(text: str, types: Mapping[str, ApiCredentialType]) -> list[GatewayAccount]:
    """Return every account with its gateways.

    Args:
        text: the setting.
        types: the credential of each gateway that has an API of use.

    Raises:
        ValueError: names the account, gateway and field that is wrong, and shows no value.
    """
    found: list[GatewayAccount] = []
    for account_id, gateways in validated_part(f"{_SETTING}: ", _SHAPE.validate_json, text).items():
        for gateway, given in gateways.items():
            if gateway not in types:
                raise ValueError(f"{_SETTING}: {account_id}: {gateway}: not used; those that are: {', '.join(types)}")
            credential = validated_part(f"{_SETTING}: {account_id}: {gateway}: ", types[gateway].model_validate, given)
            found.append(GatewayAccount(account_id, gateway, credential))
    if len(found) > MAX_API_ACCOUNTS:
        raise ValueError(f"{_SETTING}: has {len(found)} credentials; the limit is {MAX_API_ACCOUNTS}")
    return found
