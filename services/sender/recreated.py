"""Watches the topics that are consumed by a group: one that was recreated has other records at the same offsets."""

import asyncio
from contextlib import suppress

from shared.errors import RestartNeededError, TransientError
from shared.kafka_connection import Kafka
from shared.topic_identity import TopicIdentities
from shared.topics import DELIVERY_EVENTS, OUTBOUND_MESSAGES

_LOOK_SECONDS = 2.0


class TopicRecreatedError(RestartNeededError):
    """A topic is another than it was: the start of the successor says what to do."""


async def watch_topics(kafka: Kafka) -> None:
    """Look periodically until cancelled.

    Raises:
        TopicRecreatedError: a topic is another than at the first look.
    """
    identities = TopicIdentities(kafka, OUTBOUND_MESSAGES, DELIVERY_EVENTS)
    first: dict[str, str] = {}
    try:
        while True:
            with suppress(TransientError):
                found = await identities.look()
                first = first or found
                if found != first:
                    raise TopicRecreatedError(f"a topic was recreated: {found}, was {first}")
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        await identities.close()
