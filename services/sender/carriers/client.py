"""The HTTP client of every carrier: the last look at the clock is its own, whatever an adapter does."""

import aiohttp

from services.sender.carriers.carrier import CallResult, CarrierAdapter, CarrierResponse, NotCalled, Unknown
from services.sender.carriers.punctual import Departure, PunctualRequest, departure_of_call
from shared.events.outbound import MessageRequested
from shared.suppressions.fence_pass import boottime

_MAX_DETAIL_CHARACTERS = 200
_MAX_ANSWER_BYTES = 64 * 1024
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

    async def send(self, request: MessageRequested, begin_by: float) -> CallResult:
        departure = Departure(begin_by)
        try:
            answer = await self._call(request, departure)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Unknown(_detail(error)) if departure.begun else NotCalled(_detail(error))
        finally:
            departure.over = True
        if not departure.begun:
            raise AssertionError("the client has written a request past the clock")
        return answer

    async def _call(self, request: MessageRequested, departure: Departure) -> CallResult:
        call = self._adapter.call_of(request)
        remaining = departure.begin_by - boottime()
        if remaining <= 0:
            raise TimeoutError("the decision is too old")
        departure_of_call.set(departure)
        timeout = aiohttp.ClientTimeout(total=self._call_seconds, connect=remaining, sock_connect=remaining)
        # A redirect that was followed would be a second call.
        async with self._session.post(
            call.url, data=call.body, headers=call.headers, timeout=timeout, allow_redirects=False
        ) as response:
            body = await response.content.read(_MAX_ANSWER_BYTES)
            return self._adapter.result_of(CarrierResponse(response.status, response.headers, body))

    async def close(self) -> None:
        await self._session.close()


def _detail(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:_MAX_DETAIL_CHARACTERS]
