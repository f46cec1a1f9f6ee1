"""A session with an SMSC that floods or leaves: bounded, and nothing that is handled stays without its answer."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge
from pydantic import SecretStr
from smsc import BIND_RECEIVER, ENQUIRE, RESPONSE, Smsc, pdu, serving, until

from shared.smpp.address import SmppAddress
from shared.smpp.link import SmppLink
from shared.smpp.metrics import SmppMetrics
from shared.smpp.pdus import Command, Pdu, response_to
from shared.smpp.session import Handle

BUFFERED_BYTES = 64 * 1024
"""What asyncio keeps before it asks the writer to wait."""


@asynccontextmanager
async def linked(port: int, handle: Handle) -> AsyncIterator[SmppLink]:
    registry = CollectorRegistry()
    metrics = SmppMetrics(
        Gauge("bound", "", ["bind"], registry=registry), Counter("binds", "", ["bind", "outcome"], registry=registry)
    )
    address = SmppAddress(host="127.0.0.1", port=port, system_id="acme", password=SecretStr("x"))
    link = SmppLink("acme", address, Command.BIND_RECEIVER, metrics, handle)
    link.start()
    try:
        yield link
    finally:
        await link.stop()


async def test_what_is_being_handled_when_we_leave_is_answered_and_what_comes_then_is_left_to_the_next_bind() -> None:
    may_answer, handled = asyncio.Event(), list[int]()

    async def handle(delivered: Pdu) -> Pdu:
        handled.append(delivered.sequence)
        await may_answer.wait()
        return response_to(delivered, 0, b"\0")

    async with serving(Smsc()) as smsc, linked(smsc.port, handle) as link:
        bound = await smsc.bound()
        delivering = asyncio.create_task(bound.deliver(b"first", 1))
        await until(lambda: handled == [1])
        leaving = asyncio.create_task(link.stop())
        await asyncio.sleep(0)
        too_late = asyncio.create_task(bound.deliver(b"second", 2))
        await asyncio.wait([leaving, too_late, delivering], timeout=0.2)
        assert not bound.unbound
        may_answer.set()
        assert await delivering == 0
        await leaving
        assert bound.unbound
        assert (handled, too_late.done()) == ([1], False)
        too_late.cancel()


async def test_an_smsc_that_writes_and_does_not_read_is_not_read_either() -> None:
    async def never(_: Pdu) -> Pdu:
        raise AssertionError("nothing is delivered")

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await reader.readexactly(16)
        writer.write(pdu(BIND_RECEIVER | RESPONSE, 1, b"smsc\0"))
        writer.transport.pause_reading()
        while not writer.transport.is_closing():
            writer.write(pdu(ENQUIRE, 7) * 100)
            await writer.drain()

    server = await asyncio.start_server(flood, "127.0.0.1", 0)
    async with server, linked(server.sockets[0].getsockname()[1], never) as link:
        connection = (await link.session()).connection
        connection.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        await until(lambda: connection.unsent_bytes > BUFFERED_BYTES)
        await asyncio.sleep(0.5)  # in which it would write on
        assert connection.unsent_bytes < 2 * BUFFERED_BYTES
