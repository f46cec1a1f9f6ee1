"""An application served by `LimitedProtocol`, on a real socket, and a client that takes little at once."""

import asyncio
import functools
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from uvicorn.server import ServerState

from shared.web.connections import Connections
from shared.web.limits import HttpLimits
from shared.web.protocol import LimitedProtocol
from shared.web.server import server_config

Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Client]]

SIZE = 16 * 1024 * 1024
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
QUICK = {"header_seconds": 0.4, "body_seconds": 0.4, "drain_seconds": 0.4, "write_seconds": 0.4}


class App:
    """An application with an answer that is large, one that reads its body, and one that waits."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/read":
            while (message := await receive())["type"] == "http.request" and message["more_body"]:
                pass
            self.read.append(message["type"])
        if scope["path"] == "/wait":
            await self.go_on.wait()
        body = b"x" * (SIZE if scope["path"] == "/large" else 2)
        headers = [(b"content-length", b"%d" % len(body)), (b"x-fields", b"%d" % len(scope["headers"]))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def served(app: App, **limits: Any) -> AsyncIterator[Connect]:
    chosen = HttpLimits(**limits)
    config = server_config(app, "127.0.0.1", 0, chosen, [])
    config.load()
    connections = Connections(chosen)
    make = functools.partial(LimitedProtocol, connections, config, ServerState(), {})
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    writers: list[asyncio.StreamWriter] = []

    async def connect() -> Client:
        own = socket.socket()
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)  # else the kernel takes a large answer whole
        own.setblocking(False)
        await asyncio.get_running_loop().sock_connect(own, address)
        reader, writer = await asyncio.open_connection(sock=own, limit=64 * 1024)
        writers.append(writer)
        return reader, writer

    try:
        yield connect
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        async with asyncio.timeout(5):
            while connections.count:  # noqa: ASYNC110 (the server's side closes soon)
                await asyncio.sleep(0.01)


async def ask(connect: Connect, request: bytes) -> bytes:
    reader, writer = await connect()
    writer.write(request)
    return await until_closed(reader)


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(8):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


async def answer(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(8):
        return await reader.readuntil(b"\r\n\r\n")
