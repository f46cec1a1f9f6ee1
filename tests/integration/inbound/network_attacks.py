"""What anybody on the network can do to a service without a secret, with plain sockets; and what it costs it."""

import asyncio
import contextlib
from collections.abc import Awaitable
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil

CHUNKED = b"POST /webhooks/clicksend/a/b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
MEGABYTE = 2**20

STREAMS = {
    "one header without end": (b"GET / HTTP/1.1\r\na: ", b"x" * 60_000),
    "headers without end": (b"GET / HTTP/1.1\r\n", b"a: b\r\n" * 10_000),
    "a name without end": (b"GET / HTTP/1.1\r\n", b"n" * 60_000),
    "an address without end": (b"GET /", b"x" * 60_000),
    "a method without end": (b"", b"A" * 60_000),
    "empty lines without end": (b"", b"\r\n" * 30_000),
    "trailers without end": (CHUNKED + b"0\r\n", b"a: b\r\n" * 10_000),
    "a chunk extension without end": (CHUNKED + b"5;", b"x" * 60_000),
    "chunks of one byte without end": (CHUNKED, b"1\r\nx\r\n" * 10_000),
    "a chunk's size without end": (CHUNKED, b"0" * 60_000),
    "a body without end": (b"POST /nothing HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n", b"x" * 60_000),
    "requests without end, no answer read": (b"", b"GET /openapi.json HTTP/1.1\r\n\r\n" * 2_000),
}
"""Each sends its first bytes once, then the others again and again on one connection."""


@dataclass
class Target:
    """A running service, its process, and the most memory that it was seen to use."""

    url: str
    process: psutil.Process
    peak_bytes: int = 0

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def look(self) -> int:
        resident: int = self.process.memory_info().rss
        self.peak_bytes = max(self.peak_bytes, resident)
        return resident

    def connections(self) -> int:
        """Return how many connections the service holds open."""
        return sum(
            one.laddr.port == self.port and one.status == psutil.CONN_ESTABLISHED
            for one in self.process.net_connections("tcp")
        )

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def is_answering(self, seconds: float = 5.0) -> bool:
        """Say whether a new client gets its answer."""
        async with asyncio.timeout(seconds):
            reader, writer = await self.connect()
            writer.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answered = await reader.read()
            writer.close()
        return answered.startswith(b"HTTP/1.1 200")


async def stream(target: Target, first: bytes, again: bytes, limit_bytes: int) -> int:
    """Send until the service ends the connection; return how many bytes it took."""
    _, writer = await target.connect()
    sent = 0
    with contextlib.suppress(OSError):
        writer.write(first)
        while sent < limit_bytes:
            writer.write(again)
            await writer.drain()
            sent += len(again)
            target.look()
    writer.transport.abort()
    return sent


async def open_many(target: Target, count: int, first: bytes) -> list[asyncio.StreamWriter]:
    """Open connections that send `first` and then nothing."""
    writers = []
    for _ in range(count):
        _, writer = await target.connect()
        writer.write(first)
        writers.append(writer)
    target.look()
    return writers


async def within(seconds: float, ended: Awaitable[None]) -> None:
    async with asyncio.timeout(seconds):
        await ended


async def until_closed(target: Target, limit: int = 0) -> None:
    """Wait until the service has closed all connections but `limit`."""
    while target.connections() > limit:
        target.look()
        await asyncio.sleep(0.2)


async def ask(target: Target, request: bytes, seconds: float = 3.0) -> bytes:
    """Return the first line of the answer."""
    reader, writer = await target.connect()
    try:
        async with asyncio.timeout(seconds):
            writer.write(request)
            return await reader.readline()
    finally:
        writer.transport.abort()
