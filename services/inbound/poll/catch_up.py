"""One round of catching up: a gateway's list of messages since the last round, each appended that Kafka may not have.

A reply has the event id that its webhook gives it, so that one that came by both ways is decided once. What is appended
twice does no harm, what is left out might: so each round reads again what came shortly before the last one.
"""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from services.inbound.gateways.reported import read_listed
from services.inbound.gateways.times import read_time
from services.inbound.poll import metrics
from services.inbound.poll.append import append
from services.inbound.poll.client import GatewayApi, GatewayApiError
from services.inbound.poll.limits import MAX_IDS_REMEMBERED, MAX_PASSES, MAX_ROWS_AT_ONCE
from services.inbound.poll.lists.listed import ListedMessage, MessageList
from services.inbound.records import PlacedRecord, parked_id, parked_record, records_of
from services.inbound.responses import WebhookError
from shared.number_pools import NumberPools
from shared.producer import Producer

log = logging.getLogger(__name__)
_LONG_AGO = datetime.fromtimestamp(0, UTC)
_JSON = "application/json"


def utc_now() -> datetime:
    return datetime.now(UTC)


class Window(NamedTuple):
    """A reach into the past: before the end of the last round, or in the first one before now."""

    overlap: timedelta
    first: timedelta


class ListProgress(Protocol):
    """A memory of how far the lists of accounts have been read."""

    def complete_to(self, account_id: str, gateway: str) -> datetime | None:
        """Return the time to which all that the gateway lists is in Kafka; None: nobody knows."""

    async def note(self, account_id: str, gateway: str, complete_to: datetime) -> None:
        """Note it; raises `TransientError`."""


class CatchUp:
    """The catching up of one account at one gateway; each call is a round.

    Args:
        api: of the gateway, for the account.
        messages: the gateway's list.
        producer: appends to Kafka.
        progress: how far the rounds before came.
        partitions: of the topics.
        pools: the numbers that share their opt-outs at the carrier.
        window: how far back a round reads.
        now: the time.
    """

    def __init__(  # noqa: PLR0913 (what a round needs)
        self,
        api: GatewayApi,
        messages: MessageList,
        producer: Producer,
        progress: ListProgress,
        *,
        partitions: int,
        pools: NumberPools,
        window: Window,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._api = api
        self._list = messages
        self._producer = producer
        self._progress = progress
        self._partitions = partitions
        self._pools = pools
        self._window = window
        self._now = now
        self._appended: dict[UUID, None] = {}

    async def __call__(self) -> None:
        """Read the list and append what is in it; then note how far it is read.

        That the gateway refuses what comes after that changes no progress: all is in Kafka.

        Raises:
            TransientError: the gateway or Kafka is unavailable; what was appended stays so.
        """
        account_id, gateway, _ = self._api.account
        began = self._now()
        before = self._progress.complete_to(account_id, gateway)
        since = began - self._window.first if before is None else min(before, began) - self._window.overlap
        for _ in range(MAX_PASSES):
            last = await self._pass(since)
            if last is not None:
                await self._progress.note(account_id, gateway, began)
                return await self._list.done(self._api, last)
        raise GatewayApiError(f"{self._api.account}: messages that are marked as read are listed again")

    async def _pass(self, since: datetime) -> Sequence[ListedMessage] | None:
        """Append what is listed; return the last rows, which are not `done`. None: the list is to be read again.

        That is if rows were done that the gateway lists no more: those after them are on pages that were read already.
        """
        waiting: list[ListedMessage] = []
        async for page in self._list.pages(self._api, since):
            waiting += page
            if len(waiting) >= MAX_ROWS_AT_ONCE:
                await self._append(waiting)
                await self._list.done(self._api, waiting)
                if self._list.is_emptied:
                    return None
                waiting = []
        await self._append(waiting)
        return waiting

    async def _append(self, rows: Sequence[ListedMessage]) -> None:
        """Append the rows, the oldest first."""
        ordered = sorted(rows, key=lambda row: read_time(row.at) or _LONG_AGO)
        found = [(id_, record) for row in ordered for id_, record in self._records(row)]
        new = [(id_, record) for id_, record in found if id_ not in self._appended]
        await append(self._producer, [record for _, record in new])
        metrics.MESSAGES_READ.labels(self._list.model.gateway).inc(len(rows))
        self._remember([id_ for id_, _ in new])

    def _records(self, row: ListedMessage) -> Iterator[tuple[UUID, PlacedRecord]]:
        """Yield what a row means, each record with the id by which it is appended once."""
        now = self._now()
        account_id, model = self._api.account.account_id, self._list.model
        for event in read_listed(model, account_id, row.fields, row.at, now, self._pools):
            if isinstance(event, WebhookError):
                yield self._parked(row, event, now)
            else:
                yield from ((event.event_id, record) for record in records_of(event, self._partitions))

    def _parked(self, row: ListedMessage, error: WebhookError, now: datetime) -> tuple[UUID, PlacedRecord]:
        account_id, gateway, _ = self._api.account
        body = json.dumps(row.fields, sort_keys=True).encode()
        log.warning("a message that %s lists cannot be read, and is parked: %s", self._api.account, error.reason)
        return parked_id(account_id, gateway, "message", body), parked_record(
            account_id=account_id, gateway=gateway, kind="message", content_type=_JSON, body=body, error=error, now=now
        )

    def _remember(self, ids: Sequence[UUID]) -> None:
        self._appended |= dict.fromkeys(ids)
        for id_ in list(self._appended)[: max(0, len(self._appended) - MAX_IDS_REMEMBERED)]:
            del self._appended[id_]
