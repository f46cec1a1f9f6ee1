"""The HTTP client of every carrier with HTTP: the last look at the clock is its own, whatever an adapter does.

aiohttp decides by itself when the bytes of a request are written: on Python 3.11 in a task of the event loop's next
round. A process that is frozen in between would send on an old decision when it wakes up (G1). So requests get the
transport of `services.sender.carriers.write_deadline`.
"""

from contextvars import ContextVar
from typing import Any, cast

import aiohttp
from aiohttp.connector import Connection

from services.sender.carriers.carrier import CallResult, CarrierAdapter, CarrierResponse, NotCalled, Unknown
from services.sender.carriers.write_deadline import PunctualTransport, WriteDeadline
from shared.events.outbound import MessageRequested
from shared.failpoints import failpoint
from shared.suppressions.fence_pass import boottime

deadline_of_call: ContextVar[WriteDeadline] = ContextVar("deadline_of_call")
"""Set by whoever makes a request with a `PunctualRequest`."""


class PunctualRequest(aiohttp.ClientRequest):
    """A request whose bytes leave by its `WriteDeadline`, or not at all."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        failpoint("sender.with_connection")
        return await super().send(cast("Connection", _Connection(conn, deadline_of_call.get())))


class _Connection:
    """A connection whose protocol has a punctual transport; everything else is that of the real one."""

    def __init__(self, real: Connection, deadline: WriteDeadline) -> None:
        self._real = real
        self.protocol = _Protocol(real.protocol, deadline)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _Protocol:
    def __init__(self, real: Any, deadline: WriteDeadline) -> None:
        self._real = real
        self.transport = PunctualTransport(real.transport, deadline)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


_NO_CONNECTION = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_MAX_DETAIL_CHARACTERS = 200
_MAX_RESPONSE_BYTES = 64 * 1024
# Shorter than servers keep a connection, so that a call does not meet one that is just being closed.
_KEEP_ALIVE_SECONDS = 4.0


class CarrierClient:
    """A client of one carrier that keeps its connections open.

    Args:
        adapter: the carrier's wire format.
        calls_in_flight: the connections kept; the caller makes no more calls at once, so that none waits for one.
        call_seconds: for the whole call.
    """

    def __init__(self, adapter: CarrierAdapter, calls_in_flight: int, call_seconds: float) -> None:
        self._adapter = adapter
        self._call_seconds = call_seconds
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=calls_in_flight, ttl_dns_cache=60, keepalive_timeout=_KEEP_ALIVE_SECONDS
            ),
            request_class=PunctualRequest,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def send(self, request: MessageRequested, write_by: float) -> CallResult:
        deadline = WriteDeadline(write_by)
        try:
            result = await self._call(request, deadline)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if deadline.begun:
                return Unknown(_detail(error))
            return NotCalled(_detail(error), isinstance(error, _NO_CONNECTION))
        finally:
            deadline.over = True
        if not deadline.begun:
            raise AssertionError("the client has written a request past the clock")
        return result

    async def _call(self, request: MessageRequested, deadline: WriteDeadline) -> CallResult:
        call = self._adapter.call_of(request)
        remaining = deadline.write_by - boottime()
        if remaining <= 0:
            raise TimeoutError("the decision is too old")
        deadline_of_call.set(deadline)
        timeout = aiohttp.ClientTimeout(total=self._call_seconds, connect=remaining, sock_connect=remaining)
        # A redirect that was followed would be a second call. On a connection that turns out to be closed, aiohttp
        # repeats only idempotent requests, which a POST is not.
        async with self._session.post(
            call.url, data=call.body, headers=call.headers, timeout=timeout, allow_redirects=False
        ) as response:
            body = await _body(response.content)
            return self._adapter.result_of(CarrierResponse(response.status, response.headers, body))

    async def close(self) -> None:
        await self._session.close()


async def _body(content: aiohttp.StreamReader) -> bytes:
    """Return the whole body, up to a limit: one read returns no more than what has come by then."""
    body = b""
    while len(body) < _MAX_RESPONSE_BYTES and (part := await content.read(_MAX_RESPONSE_BYTES - len(body))):
        body += part
    return body


def _detail(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:_MAX_DETAIL_CHARACTERS]
