"""The SMPP session of another author (smpp34's, in Rust) takes ours for a client's, in both directions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import smpp34
from smpp_world import asked, soon
from smsc import until

from harness.machine.ports import free_ports, release_ports
from services.sender.carriers.carrier import Accepted, CallResult, Refused, Throttled
from services.sender.carriers.smpp import SmppSettings
from services.sender.carriers.smpp_client import SmppClient
from services.sender.metrics import SMPP
from shared.smpp.address import SmppAddress
from shared.smpp.link import SmppLink
from shared.smpp.pdus import Pdu, response_to
from shared.smpp.statuses import CommandStatus

BIND_TRANSCEIVER: Any = 0x09
"""To a receiver its server delivers, and does not take the answer: not from its own client either."""


@asynccontextmanager
async def server() -> AsyncIterator[tuple[smpp34.Server, int]]:
    ports = free_ports(1)
    found = smpp34.Server("127.0.0.1", ports[0], system_id="smsc")
    await found.start()
    try:
        yield found, ports[0]
    finally:
        await found.stop()
        release_ports(ports)


def bind_of(port: int) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": port, "system_id": "acme", "password": "sesame"}


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (0, Accepted("m-17")),
        (smpp34.ESME_RTHROTTLED, Throttled("0x58 ESME_RTHROTTLED", 1)),
        (smpp34.ESME_RINVDSTADR, Refused("0x0B ESME_RINVDSTADR")),
    ],
)
async def test_it_takes_a_message_and_its_answer_is_understood(status: int, result: CallResult) -> None:
    async with server() as (smsc, port):
        client = SmppClient(SmppSettings(**{f"smpp_{name}": value for name, value in bind_of(port).items()}), "x", 5)
        sending = asyncio.create_task(client.send(asked(body="€ [STOP] " * 40), soon()))
        assert isinstance(await smsc.next(), smpp34.Esme)
        event = await smsc.next()
        assert isinstance(event, smpp34.SubmitSmEvent)
        payload = {each.tag: each.value for each in event.tlvs}[0x0424]
        assert payload == b"\x1be \x1b<STOP\x1b> " * 40
        if status:
            event.reject(status)
        else:
            event.accept("m-17")
        assert await sending == result
        closing = asyncio.create_task(client.close())
        assert isinstance(await smsc.next(), smpp34.Unbound)
        await closing


async def test_it_delivers_a_message_and_hears_our_answer() -> None:
    taken: list[Pdu] = []

    async def handle(pdu: Pdu) -> Pdu:
        await asyncio.sleep(0)
        taken.append(pdu)
        status = CommandStatus.ESME_ROK if len(taken) > 1 else CommandStatus.ESME_RX_T_APPN
        return response_to(pdu, status, b"\0")

    async with server() as (smsc, port):
        link = SmppLink("receiver", SmppAddress(**bind_of(port)), BIND_TRANSCEIVER, SMPP, handle)
        link.start()
        esme = await smsc.next()
        assert isinstance(esme, smpp34.Esme)
        assert esme.can_receive
        answers = [
            await esme.deliver_sm("18335550123", b"STOP", source_addr="14155550100", source_addr_ton=1)
            for _ in range(2)
        ]
        assert [each.command_status for each in answers] == [0x64, 0]
        assert len(taken) == 2
        await link.stop()
        await until(lambda: link.problem is not None)
