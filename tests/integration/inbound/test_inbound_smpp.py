"""What an SMSC delivers is answered once Kafka has it; what is not answered comes again and lifts no STOP."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import ConsumerRecord
from inbound_world import PARTITIONS, Gateway, answers, headers_of, value_of
from inbound_world import until as until_async
from smsc import BIND_RECEIVER, Bound, Smsc, serving

from harness.machine.ports import free_ports, release_ports
from harness.stack.embedded import EmbeddedBackend
from harness.stack.service import Service
from shared.partitions import partition_of
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, PARKED_MESSAGES

pytestmark = pytest.mark.timeout(180)
RX_T_APPN = 0x64
RECEIPT = b"id:c-1 sub:001 dlvrd:001 stat:DELIVRD err:000 text:Sale"


def body_of(text: bytes, esm_class: int = 0, source: bytes = b"14155550100") -> bytes:
    addresses = b"\0\1\1" + source + b"\0\1\1" + b"18335550123\0"
    return addresses + bytes((esm_class, 0, 0, 0, 0, 0, 0, 0, 0, len(text))) + text


@asynccontextmanager
async def receiving(
    backend: EmbeddedBackend, folder: Path, smsc: Smsc
) -> AsyncIterator[tuple[Service, Gateway, Bound]]:
    """Run a process that is bound to the SMSC for an account of its own."""
    account_id, ports = f"t-{uuid4().hex[:12]}", free_ports(1)
    bind = {"host": "127.0.0.1", "port": smsc.port, "system_id": "acme", "password": "sesame"}
    environment = {
        "STOPLINE_HTTP_PORT": str(ports[0]),
        "STOPLINE_KAFKA_BOOTSTRAP": backend.kafka_bootstrap,
        "STOPLINE_PARTITIONS": str(PARTITIONS),
        "STOPLINE_SMPP_RECEIVERS": json.dumps({account_id: bind}),
        "STOPLINE_SMPP_PUBLISH_SECONDS": "1",
    }
    service = Service("smpp", "services.inbound.smpp", ports[0], environment, folder / "smpp.log")
    await service.start()
    try:
        yield service, Gateway("", backend.kafka_bootstrap, account_id), await smsc.bound()
    finally:
        if service.started:
            await service.stop()
        release_ports(ports)


async def is_unready(service: Service) -> bool:
    return await answers(f"{service.url}/health/ready") == 503


def of(records: list[ConsumerRecord], topic: str) -> list[dict[str, Any]]:
    return [value_of(record) for record in records if record.topic == topic]


async def test_a_delivery_that_is_answered_is_in_kafka_in_the_partition_of_its_phone(
    backend: EmbeddedBackend, tmp_path: Path
) -> None:
    async with serving(Smsc()) as smsc, receiving(backend, tmp_path, smsc) as (service, gateway, bound):
        assert (bound.command, bound.system_id, bound.password) == (BIND_RECEIVER, "acme", "sesame")
        assert await bound.deliver(body_of(b"STOP"), 1) == 0
        assert await bound.deliver(body_of(RECEIPT, esm_class=4), 2) == 0
        assert await bound.deliver(b"\0nonsense", 3) == 0
        records = await gateway.records()
        await service.stop()
        assert bound.unbound
    [stop], [receipt] = of(records, INBOUND_MESSAGES), of(records, DELIVERY_EVENTS)
    assert (stop["phone"], stop["body"], stop["gateway"]) == ("+14155550100", "STOP", "smpp")
    assert (receipt["carrier_message_id"], receipt["status"]) == ("c-1", "delivered")
    [parked] = [headers_of(record) for record in records if record.topic == PARKED_MESSAGES]
    assert (parked["webhook_gateway"], parked["parked_reason"]) == ("smpp", "invalid")
    placed = {record.partition for record in records if record.topic != PARKED_MESSAGES}
    assert placed == {partition_of("+14155550100", PARTITIONS)}
    assert "sesame" not in (tmp_path / "smpp.log").read_text()
    assert "4155550100" not in (tmp_path / "smpp.log").read_text()


async def test_an_answer_that_was_lost_with_the_connection_leaves_a_start_without_effect_that_comes_again(
    backend: EmbeddedBackend, tmp_path: Path
) -> None:
    async with serving(Smsc()) as smsc, receiving(backend, tmp_path, smsc) as (_, gateway, bound):
        assert await bound.deliver(body_of(b"START"), 1) == 0
        assert await bound.deliver(body_of(b"STOP"), 2) == 0
        bound.cut()
        again = await smsc.bound(2)
        assert await again.deliver(body_of(b"START"), 1) == 0
        assert await again.deliver(body_of(b"START"), 2) == 0
        found = of(await gateway.records(), INBOUND_MESSAGES)
    assert [(each["body"], each["unusable_sent_at"]) for each in found] == [
        ("START", None), ("STOP", None), ("START", "delivered again"), ("START", None)
    ]  # fmt: skip


async def test_kafka_away_asks_the_smsc_to_deliver_again_and_nothing_is_lost(
    backend: EmbeddedBackend, tmp_path: Path
) -> None:
    async with serving(Smsc()) as smsc, receiving(backend, tmp_path, smsc) as (service, gateway, bound):
        await backend.kill_kafka()
        try:
            assert await bound.deliver(body_of(b"STOP"), 1) == RX_T_APPN
            assert await bound.deliver(b"\0nonsense", 2) == RX_T_APPN
            await until_async("the process is not ready", lambda: is_unready(service))
        finally:
            await backend.start_kafka()
        sequence = iter(range(3, 1_000))

        async def is_taken() -> bool:
            return await bound.deliver(body_of(b"STOP"), next(sequence)) == 0

        await until_async("the delivery is accepted", is_taken, 60)
        assert await bound.deliver(b"\0nonsense", next(sequence)) == 0
        records = await gateway.records()
    assert {each["body"] for each in of(records, INBOUND_MESSAGES)} == {"STOP"}
    assert [record.topic for record in records].count(PARKED_MESSAGES) >= 1


async def test_without_its_smsc_the_process_says_so_and_binds_when_it_is_back(
    backend: EmbeddedBackend, tmp_path: Path
) -> None:
    async with serving(Smsc()) as smsc, receiving(backend, tmp_path, smsc) as (service, _, _bound):
        assert await answers(f"{service.url}/health/ready") == 200
        await smsc.stop()
        await until_async("the process is not ready", lambda: is_unready(service))
        await smsc.start()
        again = await smsc.bound(2)
        assert await again.deliver(body_of(b"STOP"), 1) == 0
