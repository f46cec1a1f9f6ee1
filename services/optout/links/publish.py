"""Publishes clicks: to the partition of the phone, confirmed by Kafka before the page says so."""

from datetime import UTC, datetime
from uuid import uuid4

from aiokafka.errors import KafkaError

from services.optout.clicks import LinkEvent
from services.optout.links.limits import PUBLISH_SECONDS, PUBLISHES_WAITING
from shared.deadlines import Deadlines
from shared.errors import TransientError
from shared.events.base import derived_id
from shared.events.codec import cloud_event_headers, encode
from shared.events.inbound import LinkConfirmed, LinkUndone
from shared.kafka_connection import Kafka
from shared.opt_out_links import partition_of_token
from shared.partitions import partition_of
from shared.producer import Producer
from shared.topics import INBOUND_MESSAGES

SOURCE = "stopline/links"


def confirmed(token: str, *, all_lists: bool) -> LinkConfirmed:
    """Return a click's event: a double tap is the same one."""
    event_id = derived_id(token, "link_confirmed", "all" if all_lists else "list")
    return LinkConfirmed(event_id=event_id, occurred_at=datetime.now(UTC), token=token, all_lists=all_lists)


def undone(token: str) -> LinkUndone:
    """Return the event of an undo; there may be several, each after another click."""
    return LinkUndone(event_id=uuid4(), occurred_at=datetime.now(UTC), token=token)


class Clicks:
    """A publisher of clicks."""

    def __init__(self, kafka: Kafka, partitions: int) -> None:
        self._producer = Producer(kafka)
        self._partitions = partitions
        self._deadlines = Deadlines(PUBLISH_SECONDS)
        self._waiting = 0

    async def publish(self, event: LinkEvent, phone: str | None) -> None:
        """Return when Kafka has the event on all in-sync replicas.

        Without the `phone` of its link the partition is the one that the token names. That was the phone's when the
        link was sent; where there are more partitions by now, the pipeline forwards the event.

        Raises:
            TransientError: Kafka did not acknowledge in time; it may have the event nevertheless, or get it yet.
        """
        if self._waiting >= PUBLISHES_WAITING:
            raise TransientError(f"{self._waiting} clicks wait for Kafka already")
        self._waiting += 1
        try:
            with self._deadlines.new():
                await self._producer.send_and_wait(
                    INBOUND_MESSAGES,
                    encode(event),
                    event.token.encode(),
                    partition=self._place(event.token, phone),
                    headers=cloud_event_headers(event, SOURCE),
                )
        except (TimeoutError, KafkaError, OSError) as error:
            raise TransientError(f"publishing a click: {error!r}") from error
        finally:
            self._waiting -= 1

    def _place(self, token: str, phone: str | None) -> int:
        return partition_of_token(token, self._partitions) if phone is None else partition_of(phone, self._partitions)

    async def close(self) -> None:
        await self._producer.close()
