"""Watches the number of partitions: whoever places records by another number puts them where nobody decides them."""

import asyncio
from contextlib import suppress

from shared.errors import MisconfiguredError, TransientError
from shared.settings import KafkaSettings
from shared.topic_identity import TopicIdentities
from shared.topics import INBOUND_MESSAGES

_LOOK_SECONDS = 2.0


async def watch_partitions(settings: KafkaSettings) -> None:
    """Look periodically until cancelled; the opt-out pipeline and the sender have looks of their own.

    Raises:
        MisconfiguredError: there are more partitions than the settings say.
    """
    identities = TopicIdentities(settings.kafka, INBOUND_MESSAGES)
    try:
        while True:
            with suppress(TransientError):
                number = int((await identities.look())[INBOUND_MESSAGES].rpartition("/")[2])
                if number != settings.partitions:
                    raise MisconfiguredError(
                        f"topic {INBOUND_MESSAGES} has {number} partitions by now, STOPLINE_PARTITIONS is"
                        f" {settings.partitions}: see docs/partitions.md"
                    )
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        await identities.close()
