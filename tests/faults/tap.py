"""A wire-tap in front of the carrier: the kernel stamps every call's bytes where its socket gets them.

It shares nothing with the sender, and its stamps do not depend on how quickly this process runs.
"""

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

_SO_TIMESTAMPNS = 35  # Linux: the option, and the type of the message that comes with the data
_TIMESPEC = struct.Struct("@qq")
_READ_BYTES = 65_536
_EPOCH = datetime.fromtimestamp(0, UTC)
_MESSAGE_ID = re.compile(rb'"message_id": ?"([^"]+)"')


@dataclass
class Tap:
    """`stamps` has for each message id when the bytes of its calls arrived; `url` is what the sender calls.

    `carrier_port` is set once the carrier is there.
    """

    carrier_port: int = 0
    stamps: dict[str, list[datetime]] = field(default_factory=dict)
    url: str = ""

    async def pass_on(self, connection: socket.socket) -> None:
        """Pass on what comes on one connection, and its answers back."""
        loop = asyncio.get_running_loop()
        answers, calls = await asyncio.open_connection("127.0.0.1", self.carrier_port)
        back = asyncio.create_task(_pump(answers, connection))
        try:
            while data := await self._read(loop, connection):
                calls.write(data)
        except OSError:
            pass
        finally:
            calls.close()
            await asyncio.wait([back])
            connection.close()

    async def _read(self, loop: asyncio.AbstractEventLoop, connection: socket.socket) -> bytes:
        readable = loop.create_future()
        loop.add_reader(connection, lambda: None if readable.done() else readable.set_result(None))
        try:
            await readable
        finally:
            loop.remove_reader(connection)
        data, messages, _, _ = connection.recvmsg(_READ_BYTES, socket.CMSG_SPACE(_TIMESPEC.size))
        for level, kind, stamp in messages:
            if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
                seconds, nanoseconds = _TIMESPEC.unpack(stamp)
                for found in _MESSAGE_ID.finditer(data):
                    at = _EPOCH + timedelta(seconds=seconds, microseconds=nanoseconds // 1000)
                    self.stamps.setdefault(found[1].decode(), []).append(at)
        return data


async def _pump(answers: asyncio.StreamReader, connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    try:
        while data := await answers.read(_READ_BYTES):
            await loop.sock_sendall(connection, data)
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


@asynccontextmanager
async def tapping() -> AsyncIterator[Tap]:
    """Listen while inside the block."""
    tap, tasks = Tap(), set[asyncio.Task[None]]()
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        listening.setblocking(False)
        listening.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)  # what it accepts inherits it
        tap.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        accepting = asyncio.create_task(_accept(tap, listening, tasks))
        try:
            yield tap
        finally:
            for task in (accepting, *tasks):
                task.cancel()
            await asyncio.gather(accepting, *tasks, return_exceptions=True)


async def _accept(tap: Tap, listening: socket.socket, tasks: set[asyncio.Task[None]]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        connection, _ = await loop.sock_accept(listening)
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        task = asyncio.create_task(tap.pass_on(connection))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
