"""Requests to gateways' APIs: each with a deadline, one after the other for each account, never to another host.

Addresses come from the adapter and its credential. An address that a response names, such as that of the next page, is
taken only where it is of the same host; no redirect is followed. Nothing of a request's headers is ever logged.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp

from services.inbound.poll import metrics
from services.inbound.poll.api_keys import GatewayAccount
from services.inbound.poll.limits import (
    CALL_SECONDS,
    MAX_CALLS_AT_ONCE,
    MAX_CALLS_PER_HOST,
    MAX_PAUSE_SECONDS,
    MAX_RESPONSE_BYTES,
    USUAL_PAUSE_SECONDS,
)
from shared.errors import TransientError

_OK = range(200, 300)
_CREDENTIALS = frozenset((401, 403))
_BUSY = 429
_MAX_DETAIL_CHARACTERS = 200


class GatewayApiError(TransientError):
    """A request that brought nothing: no response, or one that cannot be used. `status` is its status, if it has one.

    Only the beginning of a response is in the text.
    """

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class ApiRefusedError(GatewayApiError):
    """A response that refuses the credentials: an operator has to look."""


class ApiBusyError(GatewayApiError):
    """A response that asks for a pause."""

    def __init__(self, text: str, pause_seconds: float) -> None:
        super().__init__(text, _BUSY)
        self.pause_seconds = pause_seconds


class ApiConnections:
    """The connections that all accounts share, few at once."""

    def __init__(self) -> None:
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(MAX_CALLS_PER_HOST))
        self.session = aiohttp.ClientSession(
            trust_env=True,
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(
                limit=MAX_CALLS_AT_ONCE, limit_per_host=MAX_CALLS_PER_HOST, ttl_dns_cache=60
            ),
            timeout=aiohttp.ClientTimeout(total=CALL_SECONDS),
        )

    def turn(self, url: str) -> asyncio.Semaphore:
        """Return what a call holds: waiting for others to the same host is not time that the gateway takes."""
        return self._turns[urlsplit(url).netloc]

    async def close(self) -> None:
        await self.session.close()


class GatewayApi:
    """The API of one gateway for one account."""

    def __init__(self, account: GatewayAccount, connections: ApiConnections) -> None:
        self.account = account
        self.credential = account.credential
        self._connections = connections

    async def get(self, path: str, parameters: Mapping[str, str | int] | None = None) -> Any:
        """Return the JSON of a response to GET; raises as `call` does."""
        return await self.call("GET", path, parameters=parameters)

    async def call(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str | int] | None = None,
        content: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Return the JSON of a response; None where it has no body.

        Args:
            method: of HTTP.
            path: below the API's address; or a whole address of its host.
            parameters: of the query.
            content: is sent as JSON.
            headers: beside those of the credential.

        Raises:
            ApiBusyError, ApiRefusedError, GatewayApiError: as each says.
        """
        url = self._url(path)
        sent_headers = {**self.credential.headers(), **(headers or {})}
        body = None if content is None else json.dumps(content).encode()
        if body is not None:
            sent_headers["Content-Type"] = "application/json"
        try:
            async with (
                self._connections.turn(url),
                asyncio.timeout(CALL_SECONDS),
                self._connections.session.request(
                    method, url, params=parameters, data=body, headers=sent_headers, allow_redirects=False
                ) as response,
            ):
                found = await read_limited(response.content)
                self._check(response, found)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._count("failed")
            raise GatewayApiError(f"{self.account}: {method} {_shown(url)}: {type(error).__name__}: {error}") from error
        return self._json(found, f"{method} {_shown(url)}")

    def _url(self, path: str) -> str:
        """Return the whole address.

        Raises:
            GatewayApiError: a response has named an address of another host.
        """
        base = self.credential.base_url
        try:
            url = urljoin(f"{base}/", path) if "://" in path else f"{base}/{path.lstrip('/')}"
            ours, theirs = urlsplit(base), urlsplit(url)
        except ValueError:
            raise GatewayApiError(f"{self.account}: a response names what is not an address: {path[:100]!r}") from None
        if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
            raise GatewayApiError(f"{self.account}: a response names an address of another host: {theirs.netloc[:100]}")
        return url

    def _check(self, response: aiohttp.ClientResponse, body: bytes) -> None:
        """Count the response, and refuse all but a success."""
        status = response.status
        text = f"{self.account}: {response.method} {response.url.path} answered {status}: {_beginning(body)}"
        if status in _OK:
            self._count("ok")
        elif status == _BUSY:
            self._count("busy")
            raise ApiBusyError(text, pause_seconds(response.headers.get("Retry-After", "")))
        elif status in _CREDENTIALS:
            self._count("refused")
            raise ApiRefusedError(text, status)
        else:
            self._count("failed")
            raise GatewayApiError(text, status)

    def _json(self, body: bytes, what: str) -> Any:
        if not body.strip():
            return None
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise GatewayApiError(f"{self.account}: {what}: the response is not JSON: {_beginning(body)}") from None

    def _count(self, outcome: str) -> None:
        metrics.CALLS.labels(self.account.gateway, outcome).inc()


async def read_limited(content: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    while part := await content.readany():
        body += part
        if len(body) > MAX_RESPONSE_BYTES:
            raise GatewayApiError(f"a response has more than {MAX_RESPONSE_BYTES} bytes")
    return bytes(body)


def pause_seconds(text: str) -> float:
    """Return the pause that `Retry-After` asks for; a date, or what cannot be read, is the usual one."""
    asked = float(text) if text.isascii() and text.isdecimal() and len(text) <= len("99999") else USUAL_PAUSE_SECONDS
    return min(asked, MAX_PAUSE_SECONDS)


def _shown(url: str) -> str:
    return url.partition("?")[0]  # a query may have phones


def _beginning(body: bytes) -> str:
    return repr(body[:_MAX_DETAIL_CHARACTERS].decode(errors="replace"))
