"""The client of an SMSC: each message is one `submit_sm`, written by the clock (G1) and never repeated (G3)."""

import asyncio
from functools import partial

from services.sender import metrics
from services.sender.carriers.carrier import CallResult, NotCalled, Refused, Unknown
from services.sender.carriers.smpp import SmppSettings
from services.sender.carriers.smpp_results import result_of_submit
from services.sender.carriers.smpp_submit import UnsendableError, submit_body
from services.sender.carriers.write_deadline import NotWrittenError, PunctualTransport, WriteDeadline
from shared.events.outbound import MessageRequested
from shared.smpp.connection import SmppConnection
from shared.smpp.link import SmppLink
from shared.smpp.pdus import Command, Pdu
from shared.smpp.session import Session, SessionEndedError
from shared.smpp.statuses import CommandStatus
from shared.suppressions.fence_pass import boottime


class SmppClient:
    """A client of one bind, which it keeps: bound again after it ends, in the background.

    Args:
        settings: of the SMSC.
        name: of the client, for logs and metrics.
        call_seconds: how long the SMSC may take to answer; then the outcome is unknown.
    """

    def __init__(self, settings: SmppSettings, name: str, call_seconds: float) -> None:
        self._settings = settings
        self._call_seconds = call_seconds
        self._window = asyncio.Semaphore(settings.smpp_window)
        self._link = SmppLink(name, settings.address, Command.BIND_TRANSMITTER, metrics.SMPP)
        self._link.start()

    async def send(self, request: MessageRequested, write_by: float) -> CallResult:
        try:
            body = submit_body(self._settings, request)
        except UnsendableError as error:
            return Refused(str(error))
        try:
            async with asyncio.timeout(write_by - boottime()):
                await self._window.acquire()
        except TimeoutError:
            return NotCalled("the SMSC's window is full")
        try:
            return await self._submit(body, write_by)
        finally:
            self._window.release()

    async def _submit(self, body: bytes, write_by: float) -> CallResult:
        try:
            async with asyncio.timeout(write_by - boottime()):
                session = await self._link.session()
        except TimeoutError:
            return NotCalled(f"no bind to the SMSC: {self._link.problem}", is_unreachable=True)
        deadline = WriteDeadline(write_by)
        try:
            response = await self._response(session, body, deadline)
        except (NotWrittenError, SessionEndedError, TimeoutError, OSError) as error:
            detail = str(error) or f"the SMSC did not answer within {self._call_seconds:g} s"
            return Unknown(detail) if deadline.begun else NotCalled(detail)
        finally:
            deadline.over = True
        if response.status == CommandStatus.ESME_RINVBNDSTS:
            session.end("the SMSC says that nobody is bound")  # else it would refuse one message after another
        settings = self._settings
        return result_of_submit(response, settings.smpp_opted_out_statuses, settings.smpp_message_ids)

    async def _response(self, session: Session, body: bytes, deadline: WriteDeadline) -> Pdu:
        write = partial(_write_alone, session, _punctual(session.connection, deadline))
        return await session.request(Command.SUBMIT_SM, body, self._call_seconds, write)

    async def close(self) -> None:
        await self._link.stop()


def _punctual(connection: SmppConnection, deadline: WriteDeadline) -> PunctualTransport:
    return PunctualTransport(connection.writer.transport, deadline, lambda: connection.unsent_bytes)


def _write_alone(session: Session, punctual: PunctualTransport, data: bytes) -> None:
    """Write, unless the bytes would wait for others: then nothing would look at the clock when they leave.

    Raises:
        NotWrittenError: they would, or it is too late.
    """
    if not session.is_open or session.connection.unsent_bytes:
        raise NotWrittenError("the connection takes no bytes now")
    punctual.write(data)
