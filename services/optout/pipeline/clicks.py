"""Finds whose clicks on opt-out links are: each becomes a request of a recipient, or is parked.

A token names the partition that the phone had when its message was sent. Where there are more by now, the click is
forwarded; the pages look for the phone, so that this happens only while their database is unavailable.

The sender announces a link before its message leaves, so that once the delivery events are read up to their end, every
link that anybody can have is known.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from services.optout.clicks import LinkEvent, request_of
from services.optout.decision_log.links import load_links
from services.optout.decision_log.log import EventAtOffset
from services.optout.pipeline.context import Context
from services.optout.pipeline.parse import Parsed
from services.optout.pipeline.session import CatchesUp
from shared.errors import PoisonError
from shared.parked_records import Bad
from shared.parking import Parking
from shared.partitions import partition_of
from shared.postgres import connection_from

UNKNOWN_LINK = PoisonError("unknown_link", "no message that was sent had this link; or its recipient is erased")


class ClickResolver:
    """A resolver of one partition's clicks."""

    def __init__(self, context: Context, deliveries: CatchesUp, parking: Parking) -> None:
        self._context = context
        self._deliveries = deliveries
        self._parking = parking

    async def resolve(self, parsed: Parsed) -> Parsed:
        """Return the batch with requests in place of its clicks.

        Raises:
            TransientError: Kafka or Postgres is unavailable.
        """
        if not parsed.clicks:
            return parsed
        await self._deliveries.catch_up()
        async with connection_from(self._context.pool) as connection:
            links = await load_links(connection, [event.token for _, event in parsed.clicks])
            accounts = await self._context.rules.load(connection, (link.account_id for link in links.values()))
        asked: list[EventAtOffset] = []
        elsewhere: list[tuple[int, LinkEvent]] = []
        bad: list[Bad] = []
        partitions = self._context.settings.partitions
        for record, event in parsed.clicks:
            link = links.get(event.token)
            if link is None:
                bad.append((record, UNKNOWN_LINK))
            elif (place := partition_of(link.phone, partitions)) != record.partition:
                elsewhere.append((place, event))
            else:
                policy_reach = accounts[link.account_id].policies.reach_for(link.phone, event.occurred_at)
                asked.append(EventAtOffset(record.offset, request_of(event, link, policy_reach)))
        return replace(self._joined(parsed, asked, bad), elsewhere=[*parsed.elsewhere, *elsewhere])

    def _joined(self, parsed: Parsed, asked: Sequence[EventAtOffset], bad: Sequence[Bad]) -> Parsed:
        return replace(
            parsed,
            received=sorted([*parsed.received, *asked], key=lambda each: each.offset),
            clicks=(),
            parked=[*parsed.parked, *self._parking.park(bad, self._context.now()).records],
            bad=Counter(parsed.bad) + Counter(error.reason for _, error in bad),
        )
