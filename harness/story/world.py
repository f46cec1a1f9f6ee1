"""What the story acts with: one account with two lists, one person's phone, the stack's addresses."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import uuid4

from harness.client import Account, ApiClient, DeliveryEvents, produce
from harness.sandbox.client import SandboxClient
from shared.events.outbound import MessageRequested
from shared.kafka_connection import Kafka

SENDER_NUMBER = "+18335550123"
INSTRUCTION = "Reply STOP to opt out"
_AREA_CODES = ("212", "305", "312", "415", "503", "617", "702", "808")

Control = Callable[[str, str], Awaitable[object]]


def any_phone() -> str:
    """Return a phone number of the 555 exchange that no other run is likely to use."""
    return f"+1{random.choice(_AREA_CODES)}555{random.randrange(10_000):04d}"  # noqa: S311 (no secret)


@dataclass
class World:
    """`control(command, service)` acts on the stack's processes, as `harness.daemon.control_socket` describes."""

    kafka: Kafka
    account: Account
    api: ApiClient
    sandbox: SandboxClient
    events: DeliveryEvents
    control: Control
    newsletter: int
    receipts: int
    phone: str = field(default_factory=any_phone)

    def request(self, list_id: int, text: str) -> MessageRequested:
        """Return a message with a way out to the person as a member of the list."""
        return MessageRequested(
            account_id=self.account.account_id,
            message_id=f"story-{uuid4()}",
            list_id=list_id,
            phone=self.phone,
            sender_number=SENDER_NUMBER,
            body=f"{text} {INSTRUCTION}",
        )

    async def send(self, list_id: int, text: str) -> MessageRequested:
        request = self.request(list_id, text)
        await produce(self.kafka, [request])
        return request

    async def received_ids(self) -> list[str]:
        """Return our ids of the messages that the phone has received, oldest first."""
        return [message["message_id"] for message in await self.sandbox.messages(self.phone)]
