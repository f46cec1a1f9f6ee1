"""An account as a shop would have it: lists, contacts, messages that were sent, and people who replied."""

from uuid import uuid4

from harness.account import Account
from harness.client import ApiClient, create_account, follow_delivery_events, produce
from harness.sandbox.client import SandboxClient
from harness.stack.endpoints import Endpoints
from harness.stack.stack import Stack
from shared.events.outbound import MessageRequested

SENDER = "+18335550188"
REPLIES = ("STOP", "Stop please", "thanks!", "STOP", "When do you open?", "please stop texting me", "unsubscribe", "OK")


def phone(number: int) -> str:
    return f"+1415555{number:04d}"


async def new_account(ends: Endpoints, sandbox: SandboxClient) -> Account:
    """Make an account whose replies the sandbox carrier posts to the stack's webhooks."""
    made = await create_account(ends.api_url, ends.inbound_url, ends.admin_token, f"t-{uuid4().hex[:12]}")
    receipts = f"{made.webhook_url}/receipts"
    await sandbox.register_account(made.account_id, webhook_url=made.webhook_url, receipt_url=receipts)
    return made


class Shop:
    """A shop whose newsletter some have left."""

    def __init__(self, stack: Stack, account: Account, api: ApiClient, sandbox: SandboxClient) -> None:
        self.account = account
        self.api = api
        self.sandbox = sandbox
        self.lists: list[int] = []
        self._stack = stack

    async def opens(self) -> None:
        """Make the lists, send to everybody, and have people reply."""
        for name, contacts in (("Newsletter", range(100, 140)), ("Order updates", range(100, 120))):
            self.lists.append(await self.api.create_list(name))
            await self.api.add_contacts(self.lists[-1], [phone(each) for each in contacts])
        await self.sends(self.lists[0], range(100, 100 + len(REPLIES)))
        for number, text in enumerate(REPLIES, start=100):
            await self.replies(phone(number), text)
        await self.sends(self.lists[0], [100, 130])

    async def sends(self, list_id: int, numbers: range | list[int]) -> None:
        """Send a message to each, and wait until it has an outcome."""
        requests = [self._request(list_id, phone(number)) for number in numbers]
        kafka = self._stack.kafka_settings().kafka
        async with follow_delivery_events(kafka) as events:
            await produce(kafka, requests)
            for each in requests:
                await events.of_message(each.message_id, "message_sent", "message_suppressed")

    async def replies(self, number: str, text: str) -> None:
        await self.sandbox.reply(number, text, account_id=self.account.account_id, to=SENDER)

    def _request(self, list_id: int, number: str) -> MessageRequested:
        return MessageRequested(
            account_id=self.account.account_id,
            message_id=f"m-{uuid4().hex[:12]}",
            list_id=list_id,
            phone=number,
            sender_number=SENDER,
            body="Acme Shoes: new boots are in, 20 % off this week. Reply STOP to opt out",
        )
