"""How a gateway's API is asked, page after page: with a deadline each, and patience where it asks for a pause."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import ClassVar, NamedTuple, Protocol

from services.inbound.poll.api_keys import ApiCredential, GatewayAccount
from services.inbound.poll.client import ApiBusyError, ApiConnections, ApiRefusedError, GatewayApi, GatewayApiError
from shared.errors import MisconfiguredError, TransientError

HEADER = ("direction", "from", "to", "text", "time", "id", "list", "status", "replied_to")
IN, OUT = "in", "out"
_PAUSES = 60
_MAX_PAUSE_SECONDS = 60.0
_FAILED_SECONDS = (1.0, 3.0, 10.0, 30.0)
_CLIENT_ERRORS = range(400, 500)


class Span(NamedTuple):
    """The time that is asked about."""

    since: datetime
    until: datetime


class GatewayHistory(Protocol):
    """The history of an account: what it sent and received, as its gateway keeps it."""

    name: ClassVar[str]

    def pages(self, api: "PatientApi", span: Span) -> AsyncIterator[Sequence[Sequence[str]]]:
        """Yield rows with the cells of `HEADER`, page by page, in any order; a row may come twice."""


class PatientApi:
    """An API that is asked again where it asks for a pause, or fails once."""

    def __init__(self, api: GatewayApi) -> None:
        self._api = api
        self.credential = api.credential

    async def get(self, path: str, parameters: Mapping[str, str | int] | None = None) -> dict[str, object]:
        """Return the object of a response.

        Raises:
            MisconfiguredError: the gateway refuses the credentials, or the request.
            TransientError: it cannot be reached, or asks for pauses again and again.
        """
        failures = iter(_FAILED_SECONDS)
        for _ in range(_PAUSES):
            try:
                found = await self._api.get(path, parameters)
            except ApiBusyError as busy:
                await asyncio.sleep(min(busy.pause_seconds, _MAX_PAUSE_SECONDS))
                continue
            except ApiRefusedError as error:
                raise MisconfiguredError(f"the gateway refuses the credentials: {error}") from None
            except GatewayApiError as error:
                if error.status in _CLIENT_ERRORS:
                    raise MisconfiguredError(str(error)) from None
                await self._wait_after(error, next(failures, None))
                continue
            if not isinstance(found, dict):
                raise TransientError(f"{path}: the response is not an object of JSON")
            return found
        raise TransientError(f"{path}: the gateway asks for pauses again and again")

    async def _wait_after(self, error: GatewayApiError, seconds: float | None) -> None:
        if seconds is None:
            raise error
        await asyncio.sleep(seconds)


@asynccontextmanager
async def api_of(name: str, credential: ApiCredential) -> AsyncIterator[PatientApi]:
    """Lend the API of a gateway."""
    connections = ApiConnections()
    try:
        yield PatientApi(GatewayApi(GatewayAccount("audit", name, credential), connections))
    finally:
        await connections.close()


def text_of(row: Mapping[str, object], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)
