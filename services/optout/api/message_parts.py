"""The running parts that messages sent by API need: their publisher, and the subscription to their outcomes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.optout.api.settings import ApiSettings
from services.optout.sending.outbound import OutboundRequests
from services.optout.sending.outcomes import OutcomeHandler, events_of
from services.optout.sending.publish import DueMessages
from shared.background import GiveUp, in_background
from shared.postgres import Pool
from shared.subscription import Subscribed, Subscription
from shared.topics import DELIVERY_EVENTS


@asynccontextmanager
async def message_parts(
    settings: ApiSettings, pool: Pool, outbound: OutboundRequests, give_up: GiveUp
) -> AsyncIterator[DueMessages]:
    """Publish due messages and record their outcomes until the `with` block ends.

    Nobody waits for the group: after a crash Kafka keeps the place of the dead process for its whole session, and at
    the start of all machines Kafka may be the last to answer. It is given up where Kafka refuses the process.
    """
    subscribed = Subscribed(DELIVERY_EVENTS, settings.api_group_id, "delivery events")
    subscription = Subscription(settings.kafka, subscribed, events_of, OutcomeHandler(pool).record, give_up)
    due_messages = DueMessages(pool, outbound)
    try:
        async with (
            in_background(subscription.join(), "outcomes", give_up),
            in_background(due_messages.run(), "messages", give_up),
        ):
            yield due_messages
    finally:
        await subscription.broker.stop()
