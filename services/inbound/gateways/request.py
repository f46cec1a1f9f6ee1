"""The request of a gateway webhook, as adapters get it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GatewayRequest:
    """A request whose secret path is valid; `headers` ignores case, and has the first of a repeated header."""

    method: str
    headers: Mapping[str, str]
    query: bytes
    body: bytes


class UnverifiedError(Exception):
    """A request that did not come from the gateway; it gets 401 or 404, and nothing is published."""

    def __init__(self, *, status_code: int = 401) -> None:
        super().__init__(status_code)
        self.status_code = status_code
