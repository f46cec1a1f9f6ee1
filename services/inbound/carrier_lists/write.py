"""Writes our opt-outs and opt-ins to a carrier's own record, from `opt-out-events`: a subscription for each account.

Each account and carrier has a consumer group of its own: one whose API fails holds up no other. What the carrier
refuses is parked, and so is what it could not take for an hour; what comes then has an hour of its own. Delivery is at
least once, and a repeated statement changes nothing on the record.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from services.inbound.carrier_lists.consents import Consent, ConsentWriter, WriteReach, consents_of, newest
from services.inbound.carrier_lists.http import CarrierRefusesError
from services.inbound.carrier_lists.read import Send
from services.inbound.poll import metrics
from services.inbound.poll.api_keys import GatewayAccount
from services.inbound.poll.client import ApiBusyError
from services.inbound.poll.limits import FAILED_SECONDS
from shared.consumer import Polled
from shared.errors import PoisonError, TransientError
from shared.event_records import event_of
from shared.events.opt_out import AnyOptOutEvent, opt_out_event_adapter
from shared.parked_records import park_polled
from shared.producer import Producer, send_parked

log = logging.getLogger(__name__)

SERVICE = "stopline/poll"
BATCH_RECORDS = 25
_BATCH_TIME = timedelta(minutes=2)
"""After it a batch is delivered again and goes on. After five without a poll aiokafka would leave the group, nothing
would be committed, and all of the batch would be written again and again."""
GIVE_UP = timedelta(hours=1)
OLDEST = timedelta(days=7)
"""Older events are passed over: a new group reads all of the topic, and an opt-out that was withdrawn years ago would
be on the record until its opt-in is read, with messages refused and blocks published meanwhile."""
_MAX_PAUSE_SECONDS = 120.0

Sleep = Callable[[float], Awaitable[None]]


class PolledEvent(NamedTuple):
    """An event, with its record: that is parked where the carrier does not take it."""

    record: Polled
    event: AnyOptOutEvent


def events_of_account(account_id: str, records: Sequence[Polled]) -> list[PolledEvent]:
    """Return the events of one account; what cannot be read is passed over: whoever decides has parked it."""
    name = f'"{account_id}"'.encode()
    found = []
    for record in records:
        if record.value is None or name not in record.value:
            continue
        try:
            event = event_of(opt_out_event_adapter, record)
        except PoisonError:
            continue
        if event.account_id == account_id:
            found.append(PolledEvent(record, event))
    return found


class ConsentHandler:
    """The handler of one account's events at one carrier.

    Args:
        account: whose record is written.
        writer: of the carrier.
        reach: which opt-outs are written.
        send: makes a call.
        producer: parks.
        now: the time.
        sleep: waits before a batch comes again, and between calls.
    """

    def __init__(  # noqa: PLR0913 (what it works with)
        self,
        account: GatewayAccount,
        writer: ConsentWriter,
        reach: WriteReach,
        send: Send,
        producer: Producer,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._account = account
        self._writer = writer
        self._reach = reach
        self._send = send
        self._producer = producer
        self._now = now
        self._sleep = sleep
        self._done: set[tuple[UUID, str]] = set()
        self._is_one_by_one = False
        self._failing_since: datetime | None = None
        self._failures = 0

    async def handle(self, found: list[Any]) -> None:
        """Write what the events change; they are `PolledEvent`s, whose records pydantic does not know.

        Raises:
            TransientError: the carrier or Kafka is unavailable, or time is up; the batch is to come again.
        """
        until = self._now() + _BATCH_TIME
        records = {each.event.event_id: each.record for each in found}
        oldest = self._now() - OLDEST
        recent = [each.event for each in found if each.event.occurred_at >= oldest]
        metrics.CONSENT_EVENTS_TOO_OLD.labels(self._account.gateway).inc(len(found) - len(recent))
        consents = newest(c for event in recent for c in consents_of(event, self._writer, self._reach))
        waiting = [each for each in consents if _key(each) not in self._done]
        limit = 1 if self._is_one_by_one else self._writer.limit
        for first in range(0, len(waiting), limit):
            if self._now() > until:
                raise TransientError(f"{self._account}: the carrier is slow, and {len(waiting) - first} are left")
            await self._write(waiting[first : first + limit], records)
            await self._sleep(self._writer.pause_seconds)
        self._done.clear()
        self._is_one_by_one = False

    async def _write(self, consents: Sequence[Consent], records: Mapping[UUID, Polled]) -> None:
        try:
            response = await self._send(self._writer.request(consents, self._now()))
            outcomes = self._writer.outcomes(response, consents)
        except CarrierRefusesError as error:
            if len(consents) > 1:  # for the sake of one of them, perhaps
                self._is_one_by_one = True
                raise TransientError(f"{self._account}: {error}: they are written one by one") from error
            return await self._park(consents, records, "carrier_refuses", str(error))
        except TransientError as error:
            return await self._failed(consents, records, error)
        for outcome in outcomes:
            if outcome.refusal is None:
                self._note(outcome.consent, "written")
            else:
                await self._park([outcome.consent], records, "carrier_refuses", outcome.refusal)
        known = {_key(outcome.consent) for outcome in outcomes}
        missing = [each for each in consents if _key(each) not in known]
        if missing:
            return await self._failed(missing, records, TransientError("the carrier could not take all of them"))
        self._works_again()
        return None

    async def _failed(self, consents: Sequence[Consent], records: Mapping[UUID, Polled], error: TransientError) -> None:
        """Wait and have the batch come again; what could not be written for too long is parked."""
        now = self._now()
        self._failing_since = self._failing_since or now
        metrics.CONSENTS_FAILING.labels(self._account.gateway, self._account.account_id).set(1)
        if now - self._failing_since >= GIVE_UP:
            self._failing_since = now
            return await self._park(consents, records, "carrier_unavailable", str(error))
        pause = FAILED_SECONDS[min(self._failures, len(FAILED_SECONDS) - 1)]
        if isinstance(error, ApiBusyError):
            pause = min(error.pause_seconds, _MAX_PAUSE_SECONDS)
        self._failures += 1
        await self._sleep(pause)
        raise error

    async def _park(
        self, consents: Sequence[Consent], records: Mapping[UUID, Polled], reason: str, detail: str
    ) -> None:
        """Park the events: an operator sees what the carrier does not have."""
        log.error("%s: %d opt-outs or opt-ins are not on the carrier's record and are parked as %s: %s",
                  self._account, len(consents), reason, detail)  # fmt: skip
        error = PoisonError(reason, f"{self._account}: {detail}")
        parked = {each.event_id: park_polled(records[each.event_id], service=SERVICE, error=error, now=self._now())
                  for each in consents}  # fmt: skip
        await send_parked(self._producer, parked.values())
        for each in consents:
            self._note(each, reason.removeprefix("carrier_"))

    def _note(self, consent: Consent, outcome: str) -> None:
        self._done.add(_key(consent))
        kind = "opt_out" if consent.is_opt_out else "opt_in"
        metrics.CONSENTS.labels(self._account.gateway, kind, outcome).inc()

    def _works_again(self) -> None:
        self._failing_since, self._failures = None, 0
        metrics.CONSENTS_FAILING.labels(self._account.gateway, self._account.account_id).set(0)


def _key(consent: Consent) -> tuple[UUID, str]:
    return consent.event_id, consent.sender
