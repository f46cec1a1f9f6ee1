"""The story's stage: an account with two lists, a recipient's phone, and clients of the stack."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from harness.account import Account
from harness.client import ApiClient, DeliveryEvents, produce
from harness.sandbox.client import SandboxClient
from harness.story.claims import ClaimFailedError
from shared.events.delivery import MessageRejected
from shared.events.outbound import MessageRequested
from shared.kafka_connection import Kafka
from shared.settings import KafkaSettings

SENDER_NUMBER = "+18335550123"
INSTRUCTION = "Reply STOP to opt out"
_AREA_CODES = ("204", "236", "250", "403", "416", "438", "514", "604")
"""Of Canada: in the United States a STOP to one list is about all of them, from the date of a shipped policy."""

Control = Callable[[str, str], Awaitable[object]]


def any_phone() -> str:
    """Return a random phone number of a 555 exchange, which another run is unlikely to use."""
    return f"+1{random.choice(_AREA_CODES)}555{random.randrange(10_000):04d}"  # noqa: S311 (no secret)


@dataclass
class Stage:
    """The stage of the story; `control(command, service)` starts, stops or restarts a service of the stack."""

    kafka: Kafka
    account: Account
    api: ApiClient
    sandbox: SandboxClient
    events: DeliveryEvents
    control: Control
    newsletter: int
    receipts: int
    optout_database_url: str
    kafka_settings: KafkaSettings
    phone: str = field(default_factory=any_phone)

    def request(self, list_id: int, text: str) -> MessageRequested:
        """Return a request for a message with an instruction, to the recipient as a contact of the list."""
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

    async def send_later(self, list_id: int, text: str, seconds: float) -> MessageRequested:
        """Request a message that is to leave in this many seconds."""
        send_at = datetime.now(UTC) + timedelta(seconds=seconds)
        request = self.request(list_id, text).model_copy(update={"send_at": send_at})
        await produce(self.kafka, [request])
        return request

    async def rejected(self, list_id: int, text: str) -> MessageRejected:
        """Send a text as it is, and return how it is rejected; fails the current claim where it is not."""
        request = self.request(list_id, text).model_copy(update={"body": text})
        await produce(self.kafka, [request])
        event = await self.events.of_message(request.message_id, "message_sent", "message_rejected")
        arrived = request.message_id in await self.received_ids()
        if not isinstance(event, MessageRejected) or arrived:
            raise ClaimFailedError(f"found {event}, and the phone {'has' if arrived else 'does not have'} the message")
        return event

    async def received_ids(self) -> list[str]:
        """Return the ids of the messages that the phone has received, oldest first."""
        return [message["message_id"] for message in await self.sandbox.messages(self.phone)]
