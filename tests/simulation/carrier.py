"""A simulated carrier: what it was sent, what it took, and how its answers get lost.

The call is made by the real `CarrierClient`; only the session of aiohttp is replaced. The bytes leave through the real
`PunctualTransport`, in one step with its look at the clock.
"""

import asyncio
import json
from dataclasses import dataclass
from random import Random
from types import SimpleNamespace
from typing import Any

import aiohttp

from services.sender.carriers.client import deadline_of_call
from services.sender.carriers.write_deadline import NotWrittenError, PunctualTransport
from simulation.network import Network, settle


@dataclass(slots=True)
class CarrierCall:
    """A call whose bytes have left: when, about what, and whether the carrier took the message."""

    at: float
    account_id: str
    message_id: str
    phone: str
    sender_number: str
    is_taken: bool = False
    is_throttled: bool = False
    answer: str = ""


@dataclass(slots=True)
class CarrierFaults:
    """The shares of calls that end badly."""

    unreachable: float = 0.02
    lost_answer: float = 0.04
    slow: float = 0.05
    refused: float = 0.03
    throttled: float = 0.02


class SimulatedCarrier:
    """A carrier; `on_taken` hears of each message that it takes."""

    def __init__(self, network: Network, random: Random, faults: CarrierFaults) -> None:
        self.network = network
        self.random = random
        self.faults = faults
        self.calls: list[CarrierCall] = []
        self.on_taken: Any = lambda call: None
        self.on_bytes: Any = lambda: None

    def session(self) -> "_Session":
        return _Session(self)

    def receive(self, data: bytes) -> "tuple[CarrierCall, asyncio.Future[Any]]":
        """Note that a call's bytes have left, and return its answer, some time from now."""
        said = json.loads(data)
        call = CarrierCall(self.network.loop._now, said["account_id"], said["message_id"], said["to"], said["from"])
        self.calls.append(call)
        answer: asyncio.Future[Any] = self.network.loop.create_future()
        self.network.note(f"carrier is called: {call.message_id}")
        self.network.outside(self.network.delay(), self._serve, call, answer)
        return call, answer

    def _serve(self, call: CarrierCall, answer: "asyncio.Future[Any]") -> None:
        faults, drawn = self.faults, self.random.random()
        status, body, error = 200, {"carrier_message_id": f"c-{len(self.calls)}-{call.message_id}"}, None
        if drawn < faults.refused:
            status, body = 400, {"error": {"code": "bad", "message": "no"}}
        elif drawn < faults.refused + faults.throttled:
            status, body, call.is_throttled = 429, {}, True
        else:
            call.is_taken = True
            self.on_taken(call)
        delay, drawn = self.network.delay(), self.random.random()
        if drawn < faults.lost_answer:
            call.answer, error = "lost", aiohttp.ServerDisconnectedError()
        elif drawn < faults.lost_answer + faults.slow:
            delay = 0.3 + self.random.random() * 3.0
        call.answer = call.answer or str(status)
        content = json.dumps(body).encode()
        self.network.outside(delay, settle, answer, _response(status, content), error)


def _response(status: int, content: bytes) -> Any:
    parts = [content, b""]

    async def read(_: int) -> bytes:
        return parts.pop(0)

    return SimpleNamespace(status=status, headers={}, content=SimpleNamespace(read=read))


class _Wire:
    """The socket: it takes all bytes at once."""

    def __init__(self, carrier: SimulatedCarrier) -> None:
        self._carrier = carrier
        self.answer: asyncio.Future[Any] | None = None

    def write(self, data: bytes) -> None:
        _, self.answer = self._carrier.receive(data)

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None:
        return


class _Session:
    """In the place of aiohttp's session."""

    def __init__(self, carrier: SimulatedCarrier) -> None:
        self._carrier = carrier

    def post(self, url: str, *, data: bytes, timeout: aiohttp.ClientTimeout, **_: Any) -> "_Post":
        return _Post(self._carrier, data, timeout.total or 60.0)

    async def close(self) -> None:
        return


class _Post:
    """A request on its way; entering it waits for the response."""

    def __init__(self, carrier: SimulatedCarrier, data: bytes, seconds: float) -> None:
        self._carrier = carrier
        self._data = data
        self._seconds = seconds

    async def __aenter__(self) -> Any:
        carrier = self._carrier
        async with asyncio.timeout(self._seconds):
            await asyncio.sleep(carrier.network.delay())  # the time of connecting
            if carrier.random.random() < carrier.faults.unreachable:
                raise aiohttp.ServerDisconnectedError
            wire = _Wire(carrier)
            try:
                PunctualTransport(wire, deadline_of_call.get()).write(self._data)
            except NotWrittenError as error:
                raise aiohttp.ClientConnectionError(str(error)) from error
            assert wire.answer is not None
            return await wire.answer

    async def __aexit__(self, *_: object) -> None:
        return
