"""The deployment does its work: a STOP that comes as a webhook stops the next message, before and after a restart."""

import time
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest
from compose_project import ComposeProject

from harness.account import Account
from harness.client import ApiClient, create_account, follow_delivery_events, produce
from harness.sandbox.client import SandboxClient
from shared.events.delivery import AnyDeliveryEvent
from shared.events.outbound import MessageRequested

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

PHONE, NUMBER = "+14155550100", "+14155550199"


@dataclass(frozen=True)
class Shop:
    """An account with one list and one contact, whose messages go through the deployment."""

    compose: ComposeProject
    account: Account
    list_id: int

    async def send(self) -> AnyDeliveryEvent:
        """Produce a message from outside of the containers; return what became of it."""
        message = MessageRequested(
            account_id=self.account.account_id,
            message_id=uuid4().hex,
            list_id=self.list_id,
            phone=PHONE,
            sender_number=NUMBER,
            body="20% off today. Reply STOP to opt out.",
        )
        bootstrap = f"localhost:{self.compose.ports['KAFKA']}"
        async with follow_delivery_events(bootstrap) as events:
            await produce(bootstrap, [message])
            return await events.of_message(message.message_id, "message_sent", "message_suppressed", timeout_seconds=60)

    async def reply(self, body: str) -> None:
        """Post what ClickSend posts when the phone replies."""
        form = {
            "from": PHONE, "to": NUMBER, "body": body, "original_body": "", "original_message_id": "",
            "message_id": str(uuid4()).upper(), "timestamp": str(int(time.time())), "custom_string": "",
        }  # fmt: skip
        async with httpx.AsyncClient(timeout=30) as http:
            answer = await http.post(self.account.webhook_url, data=form)
        assert answer.status_code == 200, answer.text

    async def received(self) -> int:
        async with SandboxClient(self.compose.url("SANDBOX")) as sandbox:
            return len(await sandbox.messages(PHONE))


async def test_a_stop_stops_the_next_message_also_after_everything_was_removed_but_the_volumes(
    compose: ComposeProject,
) -> None:
    token = compose.settings["STOPLINE_ADMIN_TOKEN"]
    account = await create_account(compose.url("API"), compose.url("INBOUND"), token, f"shop-{uuid4().hex[:8]}")
    async with ApiClient(compose.url("API"), account) as api:
        shop = Shop(compose, account, await api.create_list("Newsletter"))
        await api.add_contacts(shop.list_id, [PHONE])
    assert (await shop.send()).type == "message_sent"
    await shop.reply("Stop")
    assert (await shop.send()).type == "message_suppressed"
    assert await shop.received() == 1

    compose.run("down", "--timeout", "30")
    compose.up()
    assert (await shop.send()).type == "message_suppressed"
    assert await shop.received() == 0  # the sandbox forgets; the services do not
    async with ApiClient(compose.url("API"), account) as api:
        (opt_out,) = await api.opt_outs(PHONE)
    assert opt_out["cause"]["body"] == "Stop"


async def test_an_address_with_a_wrong_secret_is_none(compose: ComposeProject) -> None:
    async with httpx.AsyncClient(timeout=30) as http:
        answer = await http.post(f"{compose.url('INBOUND')}/webhooks/clicksend/demo/{'a' * 32}", data={"body": "x"})
    assert answer.status_code == 404
