"""A request's bytes leave in the same step as the last look at the clock, on every event loop and over TLS too."""

import asyncio
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvloop
from pydantic import SecretStr

from services.sender.carriers.carrier import Accepted, Blocked, CallResult, NotCalled, Unknown
from services.sender.carriers.client import CarrierClient
from services.sender.carriers.generic import GenericAdapter
from shared.events.outbound import MessageRequested
from shared.suppressions.fence_pass import boottime

ASKED = MessageRequested(
    account_id="acme", message_id="m-1", list_id=7, phone="+14155550100", sender_number="ACME", body="Hi. STOP ends"
)
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n{"carrier_message_id": "c"}'
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
LIFE_SECONDS = 0.2
GRACE_SECONDS = 0.1
PART_SECONDS = 0.05


@dataclass
class RawServer:
    """A thread for each connection: takes bytes when they come, whatever the caller's loop does, and notes when."""

    tls: ssl.SSLContext | None = None
    answer: tuple[bytes, ...] = (ANSWER,)
    received: list[tuple[float, bytes]] = field(default_factory=list)
    connections: list[threading.Thread] = field(default_factory=list)

    def serve(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            self.connections.append(threading.Thread(target=self._answer, args=[connection], daemon=True))
            self.connections[-1].start()

    def _answer(self, connection: socket.socket) -> None:
        request = b""
        with (
            suppress(OSError),
            self.tls.wrap_socket(connection, server_side=True) if self.tls else connection as talking,
        ):
            while data := talking.recv(65_536):
                self.received.append((boottime(), data))
                request += data
                if request.endswith(b"}"):
                    for part in self.answer:
                        talking.sendall(part)
                        time.sleep(PART_SECONDS if part is not self.answer[-1] else 0)
                    request = b""


@asynccontextmanager
async def calling(server: RawServer) -> AsyncIterator[CarrierClient]:
    listening = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=server.serve, args=[listening], daemon=True).start()
    scheme, port = "https" if server.tls else "http", listening.getsockname()[1]
    adapter = GenericAdapter(carrier_url=f"{scheme}://127.0.0.1:{port}", carrier_token=SecretStr("a-secret"))
    carrier = CarrierClient(adapter, 2, 5)
    try:
        yield carrier
    finally:
        await carrier.close()
        while any(thread.is_alive() for thread in server.connections):  # noqa: ASYNC110 (threads)
            await asyncio.sleep(0.01)
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def run(factory: Callable[[], asyncio.AbstractEventLoop], work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(work)


def freeze_after_connect(monkeypatch: pytest.MonkeyPatch, seconds: float, rounds: int) -> None:
    """Hold up the whole process some rounds of the loop after the connection is in hand, as SIGSTOP does."""
    connect = aiohttp.TCPConnector.connect

    def freeze(rounds_left: int) -> None:
        if rounds_left:
            asyncio.get_running_loop().call_soon(freeze, rounds_left - 1)
        else:
            threading.Event().wait(seconds)

    async def then_freeze(*arguments: Any, **options: Any) -> Any:
        connection = await connect(*arguments, **options)
        freeze(rounds)
        return connection

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", then_freeze)


@pytest.mark.parametrize("rounds", range(4))
@pytest.mark.parametrize("factory", LOOPS)
def test_wherever_the_process_freezes_after_the_connection_no_byte_leaves_late(
    factory: Callable[[], asyncio.AbstractEventLoop], rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write is in another round of the loop on Python 3.11 than on 3.13: the freeze comes before it in some."""
    server = RawServer()

    async def call() -> None:
        async with calling(server) as carrier:
            assert await carrier.send(ASKED, boottime() + 1) == Accepted("c")
            server.received.clear()
            freeze_after_connect(monkeypatch, 2 * LIFE_SECONDS, rounds)
            begun = boottime()
            answer = await carrier.send(ASKED, begun + LIFE_SECONDS)
            assert isinstance(answer, Accepted if server.received else NotCalled)
            assert all(at < begun + LIFE_SECONDS + GRACE_SECONDS for at, _ in server.received)

    run(factory, call())


@pytest.mark.parametrize("factory", LOOPS)
def test_a_request_is_one_write_and_is_given_up_where_it_would_wait(
    factory: Callable[[], asyncio.AbstractEventLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = RawServer()

    async def call() -> None:
        async with calling(server) as carrier:
            assert await carrier.send(ASKED, boottime() + 1) == Accepted("c")
            assert len(server.received) == 1
            connect = aiohttp.TCPConnector.connect

            async def clogged(*arguments: Any, **options: Any) -> Any:
                connection = await connect(*arguments, **options)
                connection.transport.write(b" " * 50_000_000)
                return connection

            monkeypatch.setattr(aiohttp.TCPConnector, "connect", clogged)
            assert isinstance(await carrier.send(ASKED, boottime() + 1), Unknown)
        assert not any(b"POST" in data for _, data in server.received[1:])

    run(factory, call())


def test_a_client_that_wrote_past_the_clock_is_a_bug_that_stops_the_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.sender.carriers.client.PunctualRequest", aiohttp.ClientRequest)

    async def call() -> None:
        async with calling(RawServer()) as carrier:
            with pytest.raises(AssertionError, match="past the clock"):
                await carrier.send(ASKED, boottime() + 1)

    run(asyncio.new_event_loop, call())


@pytest.mark.parametrize("factory", LOOPS)
def test_over_tls_too(
    factory: Callable[[], asyncio.AbstractEventLoop], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {certificate} -days 1 -subj /CN=carrier"
    subprocess.run([*made.split(), "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    new_connector = aiohttp.TCPConnector
    monkeypatch.setattr(aiohttp, "TCPConnector", lambda **options: new_connector(ssl=trusting, **options))
    server = RawServer(own)

    async def call() -> None:
        async with calling(server) as carrier:
            monkeypatch.undo()
            assert await carrier.send(ASKED, boottime() + 1) == Accepted("c")
            freeze_after_connect(monkeypatch, 2 * LIFE_SECONDS, 0)
            assert isinstance(await carrier.send(ASKED, boottime() + LIFE_SECONDS), NotCalled)
            assert len(server.received) == 1

    run(factory, call())


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (
            (b"HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n{", b'"carrier_message_id": ', b'"c"}'),
            Accepted("c"),
        ),
        (
            (
                b'HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\na\r\n{"error": \r\n',
                b'16\r\n{"code": "opted_out"}}\r\n0\r\n\r\n',
            ),
            Blocked("opted_out", ""),
        ),
    ],
)
def test_a_response_that_comes_in_parts_is_read_to_its_end(answer: tuple[bytes, ...], result: CallResult) -> None:
    async def work() -> None:
        async with calling(RawServer(answer=answer)) as carrier:
            assert await carrier.send(ASKED, boottime() + 5) == result

    run(asyncio.new_event_loop, work())
