"""Permanent refusals of Postgres: a wrong address, login or certificate is one line that names the setting."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg

from shared.errors import MisconfiguredError

_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
_ENDED = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""A server that stops in the middle of a handshake: no fault of the settings."""
_WRONG = (
    ValueError,  # also a certificate that is not trusted
    ssl.SSLError,
    asyncpg.ClientConfigurationError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)
_NO_TLS = "rejected SSL upgrade"


@contextmanager
def connecting(setting: str, url: str) -> Iterator[None]:
    """Connect to `url` in the `with` block.

    Raises:
        MisconfiguredError: the address is wrong, or refused; an unavailable server raises its own error.
    """
    _check_files(setting, url)
    try:
        yield
    except _ENDED:
        raise
    except _WRONG as error:
        raise MisconfiguredError(f"{setting}: {error}") from None
    except ConnectionError as error:
        if _NO_TLS in str(error):
            raise MisconfiguredError(f"{setting}: the server has no TLS: {error}") from None
        raise


def _check_files(setting: str, url: str) -> None:
    """See that each file can be read: asyncpg's error for one that cannot looks like that of an unavailable server."""
    asked = parse_qs(urlsplit(url).query)
    for name in _FILES:
        for path in asked.get(name, ()):
            try:
                Path(path).open("rb").close()
            except OSError as error:
                raise MisconfiguredError(f"{setting}: {name}: {path}: {error.strerror}") from None
