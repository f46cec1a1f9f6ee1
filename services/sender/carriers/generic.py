"""The generic HTTP carrier: `POST {url}/v1/messages` with a bearer token; the sandbox carrier speaks it."""

import json

import aiohttp

from services.sender.carriers.carrier import Accepted, Answer, NotCalled, Refused, Unknown
from shared.events.outbound import MessageRequested

_MAX_DETAIL_CHARACTERS = 200
_OK, _TOO_MANY_REQUESTS, _SERVER_ERROR = 200, 429, 500
_MAX_ANSWER_BYTES = 64 * 1024


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
            connector=aiohttp.TCPConnector(limit=calls_in_flight, ttl_dns_cache=60),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )

    async def send(self, request: MessageRequested, connect_seconds: float) -> Answer:
        timeout = aiohttp.ClientTimeout(total=self._call_seconds, connect=connect_seconds, sock_connect=connect_seconds)
        try:
            async with self._session.post(self._url, data=_body(request), timeout=timeout) as response:
                return _answer(response.status, await response.content.read(_MAX_ANSWER_BYTES))
        except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError) as error:
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


def _answer(status: int, body: bytes) -> Answer:
    if status == _TOO_MANY_REQUESTS:
        return NotCalled("the carrier asks for fewer calls (429)")
    if status >= _SERVER_ERROR:
        return Unknown(f"the carrier answered {status}")
    try:
        fields = json.loads(body)
        if status == _OK:
            return Accepted(str(fields["carrier_message_id"]))
        return Refused(f"{status} {fields['error']['code']}: {fields['error']['message']}"[:_MAX_DETAIL_CHARACTERS])
    except (ValueError, KeyError, TypeError):
        detail = f"the carrier answered {status} with {len(body)} bytes that are not its format"
        return Unknown(detail) if status == _OK else Refused(detail)


def _detail(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:_MAX_DETAIL_CHARACTERS]
