"""The services on Kafka with TLS, logins and ACLs and on Postgres with TLS: they work, and say who was refused."""

from secured_world import Deployment

from harness.client import ApiClient, create_account, follow_delivery_events, produce
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
