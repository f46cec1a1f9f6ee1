"""The credentials that accounts' gateways sign their webhooks with, from the setting `STOPLINE_GATEWAY_SECRETS`.

It is JSON: `{"acme": {"twilio": {"auth_token": "…"}, "telnyx": [{"public_key": "…"}, {"public_key": "…"}]}}`. Several
credentials are for a rotation: a request is accepted that one of them has signed.

All gateways of an account share the secret in its addresses. So an account that is named in the setting is taken at the
gateways that are named there and at no other: whoever knows an address would otherwise post as a gateway that signs
nothing. One that signs nothing is named with `"unsigned"`.
"""

import hmac
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, model_validator

from services.inbound.gateways.encodings import basic_authorization
from services.inbound.gateways.request import GatewayRequest, UnverifiedError
from shared.settings import validated_part

_SETTING = "STOPLINE_GATEWAY_SECRETS"
_SHAPE = TypeAdapter(dict[str, dict[str, Any]])
UNSIGNED = "unsigned"
MAX_CREDENTIALS = 8
"""Of one account and gateway: a request is checked against each."""
TOLERANCE_SECONDS = 300
"""How far a signed timestamp may be from our clock; an older request may be a repetition by somebody else."""


SharedSecret = Annotated[SecretStr, Field(min_length=8)]
"""A secret that the gateway signs with and we check with; with an empty one anybody could sign."""


class GatewayCredential(BaseModel):
    """A credential of one account at one gateway; its fields are those of the setting."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    async def has_signed(self, request: GatewayRequest) -> bool:
        """Return whether the request is signed with this credential, and recently where the signature shows it."""
        raise NotImplementedError


class SecretOrPassword(GatewayCredential):
    """A secret that signs, or a user and password (RFC 7617), as was arranged with the gateway."""

    secret: SecretStr | None = Field(None, min_length=1)
    username: str = ""
    password: SecretStr | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.secret is None) == (self.password is None):
            raise ValueError("must have secret, or username and password")
        return self

    async def has_signed(self, request: GatewayRequest) -> bool:
        if self.secret is not None:
            return self.is_signed_with(self.secret.get_secret_value(), request)
        password = self.password.get_secret_value() if self.password else ""
        given = request.headers.get("authorization", "").encode()
        return hmac.compare_digest(given, basic_authorization(self.username, password))

    @abstractmethod
    def is_signed_with(self, secret: str, request: GatewayRequest) -> bool:
        """Return whether the request is signed with the secret."""


CredentialType = type[GatewayCredential]
AccountCredentials = Mapping[str, Sequence[GatewayCredential]]
"""Of one gateway, by account; none where it is named as unsigned."""


async def check_signed(request: GatewayRequest, credentials: Sequence[GatewayCredential]) -> None:
    """Check the request against every credential.

    Raises:
        UnverifiedError: none of them has signed it.
    """
    if not any([await credential.has_signed(request) for credential in credentials]):
        raise UnverifiedError


def is_fresh(timestamp: str, now: datetime, *, repeated_for_seconds: int = 0) -> bool:
    """Return whether a signed timestamp, in Unix seconds, is within the tolerance.

    `repeated_for_seconds` is how long a gateway repeats a webhook that may keep its first timestamp: a STOP that comes
    after an outage must not be refused because of it.
    """
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= len("9999999999")):
        return False
    age_seconds = now.timestamp() - int(timestamp)
    return -TOLERANCE_SECONDS <= age_seconds <= TOLERANCE_SECONDS + repeated_for_seconds


def read_credentials(
    text: str, types: Mapping[str, CredentialType], may_be_unsigned: Collection[str] = ()
) -> dict[str, AccountCredentials]:
    """Return the credentials by gateway and account.

    Args:
        text: the setting.
        types: the credential of each gateway that signs.
        may_be_unsigned: the gateways that never sign, or only where that is arranged.

    Raises:
        ValueError: names the account, gateway and field that is wrong, and shows no value.
    """
    found: dict[str, dict[str, Sequence[GatewayCredential]]] = {gateway: {} for gateway in types}
    for account_id, gateways in validated_part(f"{_SETTING}: ", _SHAPE.validate_json, text).items():
        for gateway, given in gateways.items():
            place = f"{account_id}: {gateway}: "
            if given == UNSIGNED and gateway in may_be_unsigned:
                found.setdefault(gateway, {})[account_id] = ()
            elif gateway in types:
                found[gateway][account_id] = _credentials(place, types[gateway], given)
            else:
                known = f"{', '.join(types)}; {UNSIGNED!r} may be: {', '.join(sorted(may_be_unsigned))}"
                raise ValueError(f"{_SETTING}: {place}no such gateway signs; those that do: {known}")
    return dict(found)


def _credentials(place: str, type_: CredentialType, given: object) -> list[GatewayCredential]:
    each = given if isinstance(given, list) else [given]
    if not 1 <= len(each) <= MAX_CREDENTIALS:
        raise ValueError(f"{_SETTING}: {place}must be one credential, or a list of 1 to {MAX_CREDENTIALS}")
    return [validated_part(f"{_SETTING}: {place}", type_.model_validate, one) for one in each]
