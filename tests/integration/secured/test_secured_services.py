"""The services on Kafka with TLS, logins and ACLs and on Postgres with TLS: they work, and say who was refused."""

import json
from pathlib import Path

from secured_world import Deployment
from smsc import Smsc, serving

from harness.client import ApiClient, create_account, follow_delivery_events, produce
from harness.machine.ports import free_ports, release_ports
from harness.stack.service import Service
from shared.events.outbound import MessageRequested

PHONE = "+13125550142"


def message(account_id: str, message_id: str, list_id: int) -> MessageRequested:
    return MessageRequested(
        account_id=account_id,
        message_id=message_id,
        list_id=list_id,
        phone=PHONE,
        sender_number="+18335550123",
        body="Hello. Reply STOP to opt out",
    )


async def test_a_message_goes_out_and_after_a_stop_none_does(deployment: Deployment) -> None:
    account = await create_account(deployment.url("api"), deployment.url("inbound"), deployment.admin_token, "secured")
    producer, reader = deployment.connection("producer"), deployment.connection("reader")
    async with (
        ApiClient(deployment.url("api"), account) as api,
        deployment.sandbox() as sandbox,
        follow_delivery_events(reader) as events,
    ):
        await sandbox.register_account(
            account.account_id, webhook_url=account.webhook_url, receipt_url=f"{account.webhook_url}/receipts"
        )
        list_id = await api.create_list("newsletter")
        await api.add_contacts(list_id, [PHONE])
        await produce(producer, [message(account.account_id, "first", list_id)])
        await events.of_message("first", "message_sent")
        assert (await sandbox.reply(PHONE, "STOP"))["status_code"] == 200
        await produce(producer, [message(account.account_id, "second", list_id)])
        await events.of_message("second", "message_suppressed")
        assert await api.contact_status(list_id, PHONE) == "opted_out"
        assert [each["message_id"] for each in await sandbox.messages(PHONE)] == ["first"]


async def test_what_an_smsc_delivers_is_taken_with_the_rights_of_its_process(
    deployment: Deployment, folder: Path
) -> None:
    addresses = b"\0\1\1" + b"14155550100\0" + b"\1\1" + b"18335550123\0"
    receipt = b"id:c-1 stat:DELIVRD err:000"
    message = addresses + bytes((0,) * 9 + (4,)) + b"STOP"
    about_another = addresses + bytes((4, *(0,) * 8, len(receipt))) + receipt
    ports = free_ports(1)
    async with serving(Smsc()) as smsc:
        bind = {"host": "127.0.0.1", "port": smsc.port, "system_id": "acme", "password": "sesame"}
        environment = {
            "STOPLINE_HTTP_PORT": str(ports[0]),
            "STOPLINE_PARTITIONS": "2",
            "STOPLINE_SMPP_RECEIVERS": json.dumps({"acme": bind}),
            **deployment.kafka.settings("smpp"),
        }
        service = Service("smpp", "services.inbound.smpp", ports[0], environment, folder / "logs" / "smpp.log")
        await service.start()
        try:
            bound = await smsc.bound()
            delivered = [message, about_another, b"\0nonsense"]  # to each of the topics that it writes
            assert [await bound.deliver(body, number) for number, body in enumerate(delivered, 1)] == [0, 0, 0]
        finally:
            await service.stop()
            release_ports(ports)
