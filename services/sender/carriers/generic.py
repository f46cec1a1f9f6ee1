"""The generic HTTP carrier: `POST {url}/v1/messages` with a bearer token; the sandbox carrier speaks it."""

import json
from contextvars import ContextVar

import aiohttp
from aiohttp.connector import Connection

from services.sender.carriers.answers import answer_of
from services.sender.carriers.carrier import Answer, NotCalled, Unknown
from services.sender.fence import boottime
from shared.events.outbound import MessageRequested

_MAX_DETAIL_CHARACTERS = 200
_MAX_ANSWER_BYTES = 64 * 1024
# Shorter than servers keep a connection, so that a call does not meet one that is just being closed.
_KEEP_ALIVE_SECONDS = 4.0

_begin_by: ContextVar[float] = ContextVar("begin_by")


class _TooLateError(Exception):
    """The connection took so long that the decision is too old."""


class _PunctualRequest(aiohttp.ClientRequest):
    """Looks at the clock once more with the connection in hand, where the request is about to be written."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        if boottime() >= _begin_by.get():
            raise _TooLateError
        return await super().send(conn)


class GenericCarrier:
    """Keeps its connections.

    Args:
        url: of the carrier.
        token: the carrier's.
        calls_in_flight: as many connections are kept; the caller makes no more calls, so that none waits for one.
        call_seconds: for the whole call.
    """

    def __init__(self, url: str, token: str, calls_in_flight: int, call_seconds: float) -> None:
        self._url = f"{url.rstrip('/')}/v1/messages"
        self._call_seconds = call_seconds
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=calls_in_flight, ttl_dns_cache=60, keepalive_timeout=_KEEP_ALIVE_SECONDS
            ),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            request_class=_PunctualRequest,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def send(self, request: MessageRequested, begin_by: float) -> Answer:
        remaining = begin_by - boottime()
        if remaining <= 0:
            return NotCalled("the decision is too old")
        _begin_by.set(begin_by)
        timeout = aiohttp.ClientTimeout(total=self._call_seconds, connect=remaining, sock_connect=remaining)
        try:
            # A redirect that was followed would be a second call.
            async with self._session.post(
                self._url, data=_body(request), timeout=timeout, allow_redirects=False
            ) as response:
                return answer_of(response.status, response.headers, await response.content.read(_MAX_ANSWER_BYTES))
        except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError, _TooLateError) as error:
            return NotCalled(_detail(error))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Unknown(_detail(error))

    async def close(self) -> None:
        await self._session.close()


def _body(request: MessageRequested) -> bytes:
    return json.dumps(
        {
            "message_id": request.message_id,
            "account_id": request.account_id,
            "to": request.phone,
            "from": request.sender_number,
            "body": request.body,
            "custom_string": request.message_id,
        }
    ).encode()


def _detail(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:_MAX_DETAIL_CHARACTERS]
