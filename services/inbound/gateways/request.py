"""The request that an adapter gets, and how one is refused that the gateway did not make."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

Certificate = Callable[[str], Awaitable[bytes | None]]


async def no_certificate(_: str) -> None:
    """Return no certificate, for whoever has no way to fetch one."""


@dataclass(frozen=True, slots=True)
class GatewayRequest:
    """A request whose secret path is valid.

    `headers` has their names in lower case, and of a repeated header the first.

    `origin` is the scheme and host (and path, if a proxy has taken one away) that the gateway called. It is the
    setting `STOPLINE_PUBLIC_INBOUND_URL`; without it the scheme and host that the client named, where a proxy's word
    for them counts only if the proxy is a trusted one.

    `certificate` returns the certificate at an address that the adapter allows, or None if there is none there; it
    raises `TransientError` if it cannot be fetched now.
    """

    method: str
    origin: str
    path: str
    headers: Mapping[str, str]
    query: bytes
    body: bytes
    received_at: datetime
    certificate: Certificate = no_certificate

    @property
    def url(self) -> str:
        """The whole URL as the gateway called it, which some gateways sign."""
        query = f"?{self.query.decode('latin-1')}" if self.query else ""
        return f"{self.origin}{self.path}{query}"


class UnverifiedError(Exception):
    """A request that did not come from the gateway; it gets 401, and nothing is published or parked."""

    def __init__(self) -> None:
        super().__init__("the request is not signed as this gateway signs its requests")
