"""The customer API, as pages ask it: with the session of whoever looks at the page, and a deadline for each request."""

import base64
import json
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import aiohttp

from services.dashboard import metrics
from services.dashboard.limits import API_ANSWER_BYTES, API_CONNECTIONS, API_SECONDS, UPLOAD_SECONDS

Parameters: TypeAlias = Mapping[str, str | int | None]
_UNAUTHORIZED = 401
_ERRORS = 400
_DATA = b"data: "


class RefusedByApiError(Exception):
    """The API refused a request; `message` says what to do, `field` names the part of the request that is meant."""

    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.field = field


class SignedOutError(Exception):
    """The session has ended: the person has to sign in again."""


class ApiUnavailableError(Exception):
    """The API did not answer; nothing is known of what became of the request."""


@dataclass(frozen=True, slots=True)
class ApiFile:
    """A file that the API answers with: its type, its name for who saves it, its bytes as they come."""

    media_type: str
    disposition: str | None
    chunks: AsyncIterator[bytes]


class ApiServer:
    """The connections to the API, shared by all pages; it keeps no cookie and follows no redirect."""

    def __init__(self, url: str, ca_file: Path | None = None, dashboard_token: str | None = None) -> None:
        self._url = url
        self._token = dashboard_token
        self._tls = ssl.create_default_context(cafile=ca_file) if url.startswith("https://") else None
        self._clients: dict[int, aiohttp.ClientSession] = {}

    def _client(self, connections: int) -> aiohttp.ClientSession:
        """Return a client with up to this many connections, 0: any; made at the first request, in its loop."""
        if connections not in self._clients:
            connector = aiohttp.TCPConnector(limit=connections, ssl=True if self._tls is None else self._tls)
            self._clients[connections] = aiohttp.ClientSession(
                self._url,
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=API_SECONDS),
                auto_decompress=True,
            )
        return self._clients[connections]

    @asynccontextmanager
    async def asked(
        self, method: str, path: str, headers: Mapping[str, str], *, is_stream: bool = False, **options: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Give the API's answer, whatever its status.

        Args:
            method: of HTTP.
            path: with the query, or without.
            headers: as `named` returns them.
            is_stream: its answer may go on for long; it takes none of the connections that others wait for.
            options: of aiohttp's request.

        Raises:
            ApiUnavailableError: it does not come, or breaks off.
        """
        client = self._client(0 if is_stream else API_CONNECTIONS)
        began = time.monotonic()
        try:
            async with client.request(method, path, headers=headers, allow_redirects=False, **options) as answer:
                metrics.API_SECONDS.observe(time.monotonic() - began)
                yield answer
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            metrics.API_FAILED.inc()
            raise ApiUnavailableError(f"{method} {path}: {error!r}") from error

    def named(self, authorization: str, client_address: str) -> dict[str, str]:
        """Return the headers of a request: in whose name, and from which address, where the API is to believe it."""
        headers = {"Authorization": authorization}
        if self._token is not None:
            headers |= {"X-Stopline-Dashboard-Token": self._token, "X-Stopline-Client": client_address}
        return headers

    async def is_live(self) -> bool:
        """Return whether the API answers at all."""
        try:
            async with self.asked("GET", "/health/live", {}) as answer:
                return answer.ok
        except ApiUnavailableError:
            return False

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()


class SessionApi:
    """The API with one person's session.

    Every method raises `RefusedByApiError`, `SignedOutError` or `ApiUnavailableError`; a page need not catch them: the
    first becomes a page with the API's own words, the second the sign-in page, the third a page that says to try again.
    """

    def __init__(self, server: ApiServer, token: str, client_address: str = "") -> None:
        self._server = server
        self._headers = server.named(f"Bearer {token}", client_address)

    async def get(self, path: str, params: Parameters | None = None) -> dict[str, Any]:
        """Return the answer to a GET; parameters that are None are left out."""
        return await self._asked("GET", path, params=_given(params))

    async def post(
        self, path: str, body: object = None, params: Parameters | None = None, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Return the answer to a POST; repeated with its key, where the route takes one, it does nothing more."""
        more = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        return await self._asked("POST", path, more, json=body, params=_given(params))

    async def put(self, path: str, body: object) -> dict[str, Any]:
        return await self._asked("PUT", path, json=body)

    async def patch(self, path: str, body: object) -> dict[str, Any]:
        return await self._asked("PATCH", path, json=body)

    async def delete(self, path: str) -> dict[str, Any]:
        return await self._asked("DELETE", path)

    async def upload(self, path: str, data: object, params: Parameters | None = None) -> dict[str, Any]:
        """Return the answer to a POST of a file or a form (`aiohttp.FormData`), which may take long."""
        timeout = aiohttp.ClientTimeout(total=UPLOAD_SECONDS)
        return await self._asked("POST", path, data=data, params=_given(params), timeout=timeout)

    @asynccontextmanager
    async def file(self, path: str, params: Parameters | None = None) -> AsyncIterator[ApiFile]:
        """Give a file as it comes; it may be as large as it likes, but must not stop coming."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=API_SECONDS, sock_read=API_SECONDS)
        asked = self._server.asked("GET", path, self._headers, is_stream=True, params=_given(params), timeout=timeout)
        async with asked as answer:
            if answer.status >= _ERRORS:
                raise _refusal(answer.status, await answer.content.read(API_ANSWER_BYTES))
            disposition = answer.headers.get("Content-Disposition")
            yield ApiFile(answer.content_type, disposition, answer.content.iter_any())

    async def events(self, path: str) -> AsyncGenerator[dict[str, Any], None]:
        """Give the data of server-sent events as they come, until the API ends the stream."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=API_SECONDS, sock_read=API_SECONDS)
        async with self._server.asked("GET", path, self._headers, is_stream=True, timeout=timeout) as answer:
            if answer.status >= _ERRORS:
                raise _refusal(answer.status, await answer.content.read(API_ANSWER_BYTES))
            async for line in answer.content:
                if line.startswith(_DATA):
                    yield json.loads(line.removeprefix(_DATA))

    async def _asked(
        self, method: str, path: str, more: Mapping[str, str] = MappingProxyType({}), **options: Any
    ) -> dict[str, Any]:
        async with self._server.asked(method, path, {**self._headers, **more}, **options) as answer:
            return await read_answer(answer)


async def read_answer(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    """Return the JSON of an answer; raises as `SessionApi`."""
    body = await _body(answer)
    if answer.status >= _ERRORS:
        raise _refusal(answer.status, body)
    try:
        read = json.loads(body)
    except ValueError as error:
        raise ApiUnavailableError(f"{answer.url.path}: the answer is not JSON") from error
    return read if isinstance(read, dict) else {"answer": read}


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > API_ANSWER_BYTES:
            raise ApiUnavailableError(f"{answer.url.path}: the answer has over {API_ANSWER_BYTES} bytes")
    return bytes(body)


def _refusal(status: int, body: bytes) -> RefusedByApiError | SignedOutError:
    if status == _UNAUTHORIZED:
        return SignedOutError()
    try:
        error = json.loads(body)
        error = error.get("error") or {"code": error["response_code"], "message": error["response_msg"]}
        return RefusedByApiError(status, str(error["code"]), str(error["message"]), error.get("field"))
    except (ValueError, KeyError, AttributeError, TypeError):
        return RefusedByApiError(status, "unexpected", f"the API answered {status}")


def _given(params: Parameters | None) -> dict[str, str]:
    return {name: str(value) for name, value in (params or {}).items() if value is not None}


async def sign_in(server: ApiServer, user: str, api_key: str, client_address: str) -> dict[str, Any]:
    """Return a new session, as `POST /v1/session` shows it. Raises as `SessionApi`; `SignedOutError`: it is wrong."""
    if not user or ":" in user or not api_key:
        raise SignedOutError
    basic = base64.b64encode(f"{user}:{api_key}".encode()).decode()
    async with server.asked("POST", "/v1/session", server.named(f"Basic {basic}", client_address)) as answer:
        return await read_answer(answer)
