"""A message with a link, to a phone of its own, and what becomes of it."""

from datetime import UTC, datetime
from uuid import uuid4

from optout_world import NUMBER, OptOutWorld

from services.optout.links.publish import confirmed, undone
from shared.events.delivery import MessageDispatching, delivery_event_id
from shared.opt_out_links import link_token
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES

LIST = 7


class LinkedMessage:
    """A message that has not left yet."""

    def __init__(self, world: OptOutWorld, phone: str = "") -> None:
        self.world = world
        world.phone = phone or f"+1415555{uuid4().int % 10_000:04d}"
        self.message_id = f"m-{uuid4().hex[:10]}"
        self.token = link_token("k" * 20, world.account_id, self.message_id, world.partition, world.partitions)

    async def leaves(self) -> None:
        announced = MessageDispatching(
            event_id=delivery_event_id(self.world.account_id, self.message_id, "message_dispatching"),
            occurred_at=datetime.now(UTC),
            account_id=self.world.account_id,
            message_id=self.message_id,
            list_id=LIST,
            phone=self.world.phone,
            sender_number=NUMBER,
            decision_started_at=datetime.now(UTC),
            link_token=self.token,
        )
        await self.world.write(DELIVERY_EVENTS, announced)

    async def is_confirmed(self, *, all_lists: bool = False) -> None:
        await self.world.write(INBOUND_MESSAGES, confirmed(self.token, all_lists=all_lists), self.token.encode())

    async def is_undone(self) -> None:
        await self.world.write(INBOUND_MESSAGES, undone(self.token), self.token.encode())

    async def entries(self) -> list[str]:
        rows = await self.world.fetch(
            "SELECT entry::json ->> 'answer' FROM decisions WHERE account_id = $1 AND phone = $2 ORDER BY sequence",
            self.world.account_id,
            self.world.phone,
        )
        return [row[0] for row in rows]
