"""One connection to an SMSC, from its bind to its end: requests and their responses, and what the SMSC asks."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from shared.smpp.connection import SmppConnection
from shared.smpp.pdus import MAX_SEQUENCE, Command, Pdu, PduError, is_answered_by, read_pdu, response_to
from shared.smpp.statuses import CommandStatus, name_of_status

log = logging.getLogger(__name__)

Handle = Callable[[Pdu], Awaitable[Pdu]]
"""Returns the response to a `deliver_sm` or a `data_sm`."""
Write = Callable[[bytes], None]
RESPONSE_SECONDS = 10.0
"""Of what is answered without any work: a bind, `enquire_link`, `unbind`."""
MAX_HANDLED_AT_ONCE = 50
"""Of what the SMSC delivers: with this many unanswered, nothing more is read, and the SMSC waits."""
_HANDLED_SECONDS = 5.0
"""How long an end that we want waits for answers to what was delivered."""


class SessionEndedError(Exception):
    """The connection has ended: what was written on it may have arrived or not."""


class BindRefusedError(Exception):
    """The SMSC does not want the bind."""


class Session:
    """A bound session; `run` reads it until it ends.

    Args:
        connection: with the SMSC.
        enquire_link_seconds: how often the connection is checked.
        handle: what is delivered; without it, the SMSC is answered that this bind takes nothing.
    """

    def __init__(
        self,
        connection: SmppConnection,
        enquire_link_seconds: float,
        handle: Handle | None = None,
    ) -> None:
        self.connection = connection
        self._reader = connection.reader
        self._writer = connection.writer
        self._enquire_link_seconds = enquire_link_seconds
        self._handle = handle
        self._waiting: dict[int, asyncio.Future[Pdu]] = {}
        self._sequence = 0
        self._handling = asyncio.Semaphore(MAX_HANDLED_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_leaving = False
        self.ended: str | None = None
        """Why nothing may be written any more; None while the session is open."""

    @property
    def is_open(self) -> bool:
        return self.ended is None and not self._writer.transport.is_closing()

    async def bind(self, command: Command, body: bytes) -> None:
        """Bind, before `run`.

        Raises:
            BindRefusedError: with the SMSC's status.
            SessionEndedError: the connection ended, or something else came.
        """
        request = Pdu(command, 0, self._next_sequence(), body)
        self._writer.write(request.encode())
        try:
            response = await read_pdu(self._reader)
        except (PduError, OSError, EOFError) as error:
            raise SessionEndedError(f"the connection ended before the bind was answered: {error}") from error
        if not is_answered_by(command, response) or response.sequence != request.sequence:
            raise SessionEndedError(f"the bind was answered by a PDU 0x{response.command:08X}")
        if response.status or response.command == Command.GENERIC_NACK:
            raise BindRefusedError(name_of_status(response.status))

    async def request(self, command: Command, body: bytes, seconds: float, write: Write | None = None) -> Pdu:
        """Write a request and return its response, whatever else is under way.

        Args:
            command: of the request.
            body: of the request.
            seconds: how long the response may take.
            write: writes the bytes in place of the connection's own `write`, or raises.

        Raises:
            SessionEndedError: before a response came.
            TimeoutError: none came in time.
        """
        if self.ended is not None:
            raise SessionEndedError(self.ended)
        pdu = Pdu(command, 0, self._next_sequence(), body)
        response: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._waiting[pdu.sequence] = response
        try:
            (write or self._writer.write)(pdu.encode())
            async with asyncio.timeout(seconds):
                return await response
        finally:
            del self._waiting[pdu.sequence]

    async def run(self) -> None:
        """Read until the session ends.

        Raises:
            SessionEndedError: always, with the reason.
        """
        checking = asyncio.create_task(self._keep_checked())
        try:
            while True:
                await self._take(await read_pdu(self._reader))
                await self._writer.drain()  # who does not read our answers is not read either
        except (PduError, OSError, EOFError) as error:
            self.end(f"the connection ended: {error or type(error).__name__}")
        finally:
            checking.cancel()
            self.end("the session was stopped")
            for task in self._tasks:
                task.cancel()
        raise SessionEndedError(self.ended)

    def end(self, why: str) -> None:
        """End the session at once; requests that wait for a response get none."""
        if self.ended is None:
            self.ended = why
        self._writer.transport.abort()
        for response in self._waiting.values():
            if not response.done():
                response.set_exception(SessionEndedError(self.ended))

    async def unbind(self) -> None:
        """Answer what is being handled, unbind while `run` still reads, and end.

        What is delivered meanwhile stays unanswered: the SMSC delivers it to the next bind.
        """
        self._is_leaving = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_HANDLED_SECONDS)
        with suppress(SessionEndedError, TimeoutError, OSError):
            await self.request(Command.UNBIND, b"", RESPONSE_SECONDS / 5)
        self.end("we have unbound")

    async def _take(self, pdu: Pdu) -> None:
        if pdu.is_response:
            self._take_response(pdu)
            return
        match pdu.command:
            case Command.ENQUIRE_LINK:
                self._answer(response_to(pdu))
            case Command.UNBIND:
                self._answer(response_to(pdu))
                self.end("the SMSC has unbound")
            case Command.DELIVER_SM | Command.DATA_SM if self._is_leaving:
                pass
            case Command.DELIVER_SM | Command.DATA_SM if self._handle is not None:
                await self._handling.acquire()
                self._in_background(self._handled(pdu, self._handle))
            case Command.DELIVER_SM | Command.DATA_SM:
                self._answer(response_to(pdu, CommandStatus.ESME_RINVBNDSTS, b"\0"))
            case Command.ALERT_NOTIFICATION:
                pass  # has no response
            case _:
                self._answer(Pdu(Command.GENERIC_NACK, CommandStatus.ESME_RINVCMDID, pdu.sequence))

    def _take_response(self, pdu: Pdu) -> None:
        response = self._waiting.get(pdu.sequence)
        if response is not None and not response.done():
            response.set_result(pdu)
        elif pdu.command == Command.GENERIC_NACK and not pdu.sequence:
            # It could not read where a PDU begins: what we wrote since is lost to it, or taken for something else.
            raise PduError(f"the SMSC has lost its place in what we write: {name_of_status(pdu.status)}")
        else:
            log.warning("a response 0x%08X came too late, or to nothing that was asked", pdu.command)

    async def _handled(self, pdu: Pdu, handle: Handle) -> None:
        try:
            response = await handle(pdu)
        except Exception:
            log.exception("what the SMSC delivered could not be handled; it is asked to deliver it again")
            response = response_to(pdu, CommandStatus.ESME_RX_T_APPN, b"\0")
        finally:
            self._handling.release()
        self._answer(response)

    def _answer(self, pdu: Pdu) -> None:
        if self.is_open:
            self._writer.write(pdu.encode())

    async def _keep_checked(self) -> None:
        """End the session when the SMSC does not answer any more: the connection itself may never say so."""
        while True:
            await asyncio.sleep(self._enquire_link_seconds)
            try:
                await self.request(Command.ENQUIRE_LINK, b"", RESPONSE_SECONDS)
            except TimeoutError:
                self.end(f"the SMSC did not answer enquire_link within {RESPONSE_SECONDS:g} s")
            except SessionEndedError:
                return

    def _in_background(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _next_sequence(self) -> int:
        self._sequence = self._sequence % MAX_SEQUENCE + 1
        while self._sequence in self._waiting:
            self._sequence = self._sequence % MAX_SEQUENCE + 1
        return self._sequence
