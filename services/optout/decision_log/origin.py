"""The origin of an entry: what the decision log says of where an event came from."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.optout.carrier_blocks import BY_CARRIER
from services.optout.clicks import LinkOptIn, LinkOptOut
from services.optout.decide import DecidableEvent, Decision, Reviewed
from services.optout.order import listed_time
from services.optout.requests import PreferenceRequest
from shared.events.inbound import CarrierBlocked, ErasureRequested, MessageReceived, OptInRequested, OptOutRequested
from shared.events.opt_out import AttributionMethod

REVIEW = "review"
"""The name that an entry has in place of a gateway and a rule where a person decided."""
REQUEST = "request"
"""The same where it was requested: by the API, an import, a clean-up, a carrier."""


@dataclass(frozen=True, slots=True)
class RequestDetails:
    """The details of a request; `asked_at` is when the person asked or agreed, `lifts` what it withdraws.

    `erased_entries` is how many entries an erasure erases: no more may be found erased.
    """

    source: str
    asked_at: datetime | None = None
    lifts: UUID | None = None
    job_id: UUID | None = None
    erased_entries: int | None = None


class EntryOrigin(NamedTuple):
    """The origin of an entry: a gateway's report of a reply, a person's review of a held one, or a request."""

    gateway: str
    gateway_message_id: str | None
    sender_number: str | None
    sent_at: datetime | None
    unusable_sent_at: str | None = None
    untimed_at: datetime | None = None
    held_event_id: UUID | None = None
    by: str | None = None
    request: RequestDetails | None = None
    attribution: AttributionMethod | None = None
    message_id: str | None = None
    reach_policy: str | None = None


def origin_of(event: DecidableEvent, decision: Decision) -> EntryOrigin:
    """Return where the event that is decided came from."""
    if isinstance(event, OptOutRequested | OptInRequested | ErasureRequested):
        return _requested(event)
    if isinstance(event, CarrierBlocked):
        number, details = next(iter(event.sender_numbers), None), RequestDetails(BY_CARRIER)
        return EntryOrigin(
            REQUEST, str(event.event_id), number, None, by=event.gateway, request=details, attribution="named",
            message_id=event.message_id,
        )  # fmt: skip
    if isinstance(event, MessageReceived):
        came_from = event.gateway, event.gateway_message_id, event.sender_number
        return EntryOrigin(*came_from, event.sent_at, event.unusable_sent_at, listed_time(event))
    held = decision.held if isinstance(decision, Reviewed) else None
    return EntryOrigin(
        REVIEW,
        None,
        sender_number=held.sender_number if held else None,
        sent_at=held.sent_at if held else None,
        untimed_at=held.untimed_at if held else None,
        held_event_id=event.held_event_id,
        by=event.by,
    )


def _requested(event: PreferenceRequest | ErasureRequested) -> EntryOrigin:
    details = _details(event)
    origin = EntryOrigin(REQUEST, str(event.event_id), None, None, by=event.by, request=details, attribution="named")
    if isinstance(event, LinkOptOut):
        return origin._replace(
            attribution="replied_message", message_id=event.message_id, reach_policy=event.reach_policy
        )
    if isinstance(event, LinkOptIn):
        return origin._replace(attribution="replied_message", message_id=event.message_id)
    return origin


def _details(event: PreferenceRequest | ErasureRequested) -> RequestDetails:
    if isinstance(event, ErasureRequested):
        return RequestDetails("erasure")
    if isinstance(event, OptOutRequested):
        return RequestDetails(event.source, event.asked_at, job_id=event.job_id)
    return RequestDetails(event.source, event.consented_at, event.lifts, event.job_id)
