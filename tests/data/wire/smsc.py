"""An SMSC for tests, on another coding of PDUs (aiosmpplib) than the services': what it reads, it reads by itself."""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ssl import SSLContext

from aiosmpplib.protocol import DEFAULT_ENCODING, BindTransceiver, SmppMessage, SubmitSm, SubmitSmResp

BIND_RECEIVER, BIND_TRANSMITTER, SUBMIT, DELIVER, UNBIND, ENQUIRE = 0x01, 0x02, 0x04, 0x05, 0x06, 0x15
RESPONSE = 0x80000000
HEADER = struct.Struct(">LLLL")


def pdu(command: int, sequence: int, body: bytes = b"", status: int = 0) -> bytes:
    return HEADER.pack(HEADER.size + len(body), command, status, sequence) + body


@dataclass
class Bound:
    """A connection of a client's, from its bind on."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    command: int
    system_id: str
    password: str
    raw: list[bytes] = field(default_factory=list)
    answers: dict[int, asyncio.Future[int]] = field(default_factory=dict)
    others: list[tuple[int, int, int]] = field(default_factory=list)
    """Command, status and sequence of what came besides messages."""
    unbound: bool = False

    def answer(self, sequence: int, message_id: str = "", status: int = 0) -> None:
        """Answer a submit_sm, in whatever order."""
        body = SubmitSmResp(message_id=message_id).pdu()[HEADER.size :] if not status else b""
        self.writer.write(pdu(SUBMIT | RESPONSE, sequence, body, status))

    async def deliver(self, body: bytes, sequence: int, command: int = DELIVER) -> int:
        """Deliver, and return the status that the client answers."""
        answer = self.answers[sequence] = asyncio.get_running_loop().create_future()
        self.writer.write(pdu(command, sequence, body))
        async with asyncio.timeout(10):
            return await answer

    def cut(self) -> None:
        self.writer.transport.abort()


Say = Callable[["Smsc", Bound, int, SubmitSm], Awaitable[None]]


async def accept(smsc: "Smsc", bound: Bound, sequence: int, _: SubmitSm) -> None:
    await asyncio.sleep(0)
    bound.answer(sequence, f"id-{len(smsc.submitted)}")


@dataclass
class Smsc:
    """The SMSC: what it says to each submit_sm, and what it has seen."""

    say: Say = accept
    bind_status: int = 0
    enquires: bool = True
    """Whether it answers enquire_link."""
    submitted: list[SubmitSm] = field(default_factory=list)
    binds: list[Bound] = field(default_factory=list)
    enquired: int = 0
    port: int = 0
    tls: SSLContext | None = None
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End as a machine does that is switched off: nobody unbinds."""
        if self._server is not None:
            self._server.close()
        for bound in self.binds:
            bound.cut()

    async def bound(self, number: int = 1) -> Bound:
        """Return the bind of that number, once it is there."""
        await until(lambda: len(self.binds) >= number)
        return self.binds[number - 1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            command, sequence, whole = await self._next(reader)
            request = BindTransceiver.from_pdu(whole, SmppMessage.parse_header(whole))
            assert isinstance(request, BindTransceiver)
            body = b"" if self.bind_status else b"smsc\0"
            writer.write(pdu(command | RESPONSE, sequence, body, self.bind_status))
            if not self.bind_status:
                bound = Bound(reader, writer, command, request.system_id, request.password)
                self.binds.append(bound)
                await self._talk(bound)
        writer.close()

    async def _talk(self, bound: Bound) -> None:
        while True:
            command, sequence, whole = await self._next(bound.reader)
            if command != SUBMIT:
                bound.others.append((command, HEADER.unpack(whole[: HEADER.size])[2], sequence))
            if command == SUBMIT:
                bound.raw.append(whole)
                read = SubmitSm.from_pdu(whole, SmppMessage.parse_header(whole), DEFAULT_ENCODING)
                assert isinstance(read, SubmitSm)
                self.submitted.append(read)
                await self.say(self, bound, sequence, read)
            elif command == ENQUIRE:
                self.enquired += 1
                if self.enquires:
                    bound.writer.write(pdu(ENQUIRE | RESPONSE, sequence))
            elif command == UNBIND:
                bound.unbound = True
                bound.writer.write(pdu(UNBIND | RESPONSE, sequence))
            elif sequence in bound.answers and not bound.answers[sequence].done():
                bound.answers[sequence].set_result(HEADER.unpack(whole[: HEADER.size])[2])

    @staticmethod
    async def _next(reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
        beginning = await reader.readexactly(HEADER.size)
        length, command, _, sequence = HEADER.unpack(beginning)
        return command, sequence, beginning + await reader.readexactly(length - HEADER.size)


async def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 (whatever is waited for has no event)
            await asyncio.sleep(0.005)


@asynccontextmanager
async def serving(smsc: Smsc) -> AsyncIterator[Smsc]:
    await smsc.start()
    try:
        yield smsc
    finally:
        await smsc.stop()
