"""Reads a carrier's opt-out list and appends what is on it: page by page, at a pace that leaves the pipeline its time.

A round reads what the carrier has put there since the last one; once a day the whole list, for what a page lost because
another entry went away while it was read. What is read twice is the same event. A round that failed goes on with its
page.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.inbound.carrier_lists.entry import (
    CarrierList,
    EntryPage,
    ListEntry,
    UnreadableEntryError,
    block_of_entry,
)
from services.inbound.carrier_lists.http import ApiRequest, ApiResponse, CarrierRefusesError
from services.inbound.gateways.times import read_time
from services.inbound.gateways.values import short_text
from services.inbound.poll import metrics
from services.inbound.poll.append import append
from services.inbound.poll.client import GatewayApiError
from services.inbound.records import PlacedRecord, event_record, parked_id, parked_record
from services.inbound.responses import WebhookError
from shared.errors import TransientError
from shared.number_pools import NumberPools
from shared.producer import Producer

log = logging.getLogger(__name__)

MAX_PAGES = 20_000
"""Of a round; a list of 2,000,000 entries has as many."""
ENTRIES_PER_SECOND = 200.0
_OVERLAP = timedelta(hours=1)
"""What is read again: a list may show an entry late."""
_WHOLE_AGAIN = timedelta(days=1)
_SETTLED = timedelta(minutes=15)
"""Entries of a list of the whole account count so much later than the account's replies have been caught up with: the
STOP that one records is in Kafka by then, and leaves the list that it answered."""
_MAX_REMEMBERED = 20_000
_UNREADABLE = WebhookError("invalid_number", "an entry of the opt-out list says no phone number", field="phone")

Send = Callable[[ApiRequest], Awaitable[ApiResponse]]


class ListReader:
    """The reading of one list; each call is a round.

    Args:
        account_id: whose list it is.
        source: the list.
        send: makes a call.
        producer: appends to Kafka.
        partitions: of the topics.
        pools: the numbers that share their opt-outs.
        heard_to: returns the time to which the account's replies are in Kafka; None: nobody knows.
        turn: held while entries are appended: all lists of the process together keep the pace.
        per_second: how many entries are appended in a second.
        now: the time.
    """

    def __init__(  # noqa: PLR0913 (what a round needs)
        self,
        account_id: str,
        source: CarrierList,
        send: Send,
        producer: Producer,
        *,
        partitions: int,
        pools: NumberPools,
        heard_to: Callable[[], datetime | None],
        turn: asyncio.Lock,
        per_second: float = ENTRIES_PER_SECOND,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._account_id = account_id
        self._source = source
        self._send = send
        self._producer = producer
        self._partitions = partitions
        self._pools = pools
        self._heard_to = heard_to
        self._turn = turn
        self._per_second = per_second
        self._now = now
        self._since: datetime | None = None
        self._began: datetime | None = None
        self._due_to: datetime | None = None
        self._whole_at: datetime | None = None
        self._page: str | None = None
        self._appended: dict[UUID, None] = {}

    async def __call__(self) -> None:
        """Read what is new.

        Raises:
            TransientError: the carrier or Kafka is unavailable, the carrier refuses, or replies may be missing that
                a list of the whole account records; what was appended stays so.
        """
        now = self._now()
        if self._page is None:
            self._began, self._due_to = now, self._settled_to()
            if self._whole_at is None or now - self._whole_at >= _WHOLE_AGAIN:
                self._since = None
        await self._pages()
        if self._since is None:
            self._whole_at = self._began
        self._since = (self._due_to or self._began or now) - _OVERLAP

    async def _pages(self) -> None:
        before = b""
        for _ in range(MAX_PAGES):
            response = await self._send(self._source.request(self._page, self._since, self._now()))
            found = self._page_of(response)
            if found.entries and response.body == before:
                self._page = None
                raise self._failed("its API shows one page again and again")
            before = response.body
            await self._append([each for each in found.entries if self._is_due(each)])
            self._page = found.next_page
            if found.next_page is None:
                return
        self._page = None
        raise self._failed(f"a list has over {MAX_PAGES} pages")

    def _page_of(self, response: ApiResponse) -> EntryPage:
        try:
            return self._source.page_of(response, self._page)
        except CarrierRefusesError as error:
            self._page = None  # its name of the page may have grown too old
            raise self._failed(str(error)) from error
        except TransientError as error:
            raise self._failed(str(error)) from error

    def _failed(self, text: str) -> GatewayApiError:
        return GatewayApiError(f"account {self._account_id} at {self._source.gateway}: {text}")

    def _settled_to(self) -> datetime | None:
        """Return how new an entry may be to count; None: as new as it is.

        Raises:
            GatewayApiError: nobody knows to what time the account's replies have been caught up with.
        """
        if not self._source.covers_account:
            return None
        heard_to = self._heard_to()
        if heard_to is None:
            raise self._failed("its list is read when its messages have been caught up with")
        return heard_to - _SETTLED

    def _is_due(self, entry: ListEntry) -> bool:
        at = read_time(entry.time)
        if at is None:
            return not self._source.covers_account  # whether its STOP has been heard, nobody can know
        return (self._since is None or at >= self._since) and (self._due_to is None or at <= self._due_to)

    async def _append(self, entries: Sequence[ListEntry]) -> None:
        found = [self._record(entry) for entry in entries]
        new = {id_: record for id_, record in found if id_ not in self._appended}
        if not new:
            return
        async with self._turn:
            await append(self._producer, new.values())
            await asyncio.sleep(len(new) / self._per_second)
        self._appended |= dict.fromkeys(new)
        for id_ in list(self._appended)[: max(0, len(self._appended) - _MAX_REMEMBERED)]:
            del self._appended[id_]

    def _record(self, entry: ListEntry) -> tuple[UUID, PlacedRecord]:
        gateway, now = self._source.gateway, self._now()
        try:
            block = block_of_entry(self._account_id, self._source, entry, now, self._pools)
        except UnreadableEntryError:
            metrics.LIST_ENTRIES.labels(gateway, "parked").inc()
            log.warning("an entry of account %s's opt-out list at %s is parked", self._account_id, gateway)
            shown = {name: short_text(text) for name, text in entry._asdict().items()}
            return self._parked(json.dumps(shown, sort_keys=True).encode(), now)
        metrics.LIST_ENTRIES.labels(gateway, "read").inc()
        return block.event_id, event_record(block, self._partitions)

    def _parked(self, body: bytes, now: datetime) -> tuple[UUID, PlacedRecord]:
        kind = "opt_out_list"
        record = parked_record(
            account_id=self._account_id,
            gateway=self._source.gateway,
            kind=kind,
            content_type="application/json",
            body=body,
            error=_UNREADABLE,
            now=now,
        )
        return parked_id(self._account_id, self._source.gateway, kind, body), record
