"""Requirements on secrets: long enough, and not one that everybody knows where others can reach the service."""

import ipaddress
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

MIN_CHARACTERS = 20
_DEVELOPMENT = "development"


def _long_enough(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < MIN_CHARACTERS:
        raise ValueError(f"a secret has at least {MIN_CHARACTERS} characters; `openssl rand -hex 32` makes one")
    return secret


def none_where_empty(given: object) -> object:
    """Return None for an empty setting."""
    return given or None  # Compose has no way to leave a variable out


LongSecret = Annotated[SecretStr, AfterValidator(_long_enough)]
OptionalSecret = Annotated[LongSecret | None, BeforeValidator(none_where_empty)]


def values(*secrets: SecretStr | None) -> tuple[str, ...]:
    """Return the secrets that are given."""
    return tuple(secret.get_secret_value() for secret in secrets if secret is not None)


def check_known_secrets(http_host: str, secrets: Mapping[str, object]) -> None:
    """Refuse secrets that begin with `development`, in addresses too, unless the service listens on loopback only.

    Raises:
        ValueError: names them.
    """
    known = [name for name, value in secrets.items() if isinstance(value, SecretStr) and _is_known(value)]
    if known and not _is_loopback(http_host):
        raise ValueError(
            f"{', '.join(known)}: a secret that begins with {_DEVELOPMENT!r} is for this machine only, and"
            f" STOPLINE_HTTP_HOST is {http_host}; write secrets of its own with deploy/new-env"
        )


def _is_known(secret: SecretStr) -> bool:
    value = secret.get_secret_value()
    if "://" in value:
        value = unquote(urlsplit(value).password or "")
    return value.lower().startswith(_DEVELOPMENT)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
