"""Calls to a carrier's API as its adapter writes them: each with a deadline, no redirect followed, no header logged."""

import asyncio
from urllib.parse import urlsplit

import aiohttp

from services.inbound.carrier_lists.http import ApiRequest, ApiResponse
from services.inbound.poll import metrics
from services.inbound.poll.api_keys import GatewayAccount
from services.inbound.poll.client import (
    ApiBusyError,
    ApiConnections,
    ApiRefusedError,
    GatewayApiError,
    pause_seconds,
    read_limited,
)
from services.inbound.poll.limits import CALL_SECONDS

_OK = range(200, 300)
_CREDENTIALS = frozenset((401, 403))
_BUSY = 429


class CarrierCalls:
    """The calls for one account at one carrier."""

    def __init__(self, account: GatewayAccount, connections: ApiConnections) -> None:
        self.account = account
        self._connections = connections

    async def send(self, request: ApiRequest) -> ApiResponse:
        """Return the response, whatever its status but for those of these errors.

        Raises:
            ApiBusyError: 429.
            ApiRefusedError: 401 or 403.
            GatewayApiError: there was no response.
        """
        method = "GET" if request.body is None else "POST"
        what = f"{self.account}: {method} {urlsplit(request.url).path}"
        try:
            async with (
                asyncio.timeout(CALL_SECONDS),
                self._connections.session.request(
                    method, request.url, data=request.body, headers=request.headers, allow_redirects=False
                ) as response,
            ):
                body = await read_limited(response.content)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._count("failed")
            raise GatewayApiError(f"{what}: {type(error).__name__}: {error}") from error
        if response.status == _BUSY:
            self._count("busy")
            raise ApiBusyError(f"{what} answered 429", pause_seconds(response.headers.get("Retry-After", "")))
        if response.status in _CREDENTIALS:
            self._count("refused")
            raise ApiRefusedError(f"{what} answered {response.status}", response.status)
        self._count("ok" if response.status in _OK else "failed")
        return ApiResponse(response.status, body)

    def _count(self, outcome: str) -> None:
        metrics.CALLS.labels(self.account.gateway, outcome).inc()
