"""The part of our opt-out events that a carrier's own record can have, and in which scopes. Pure.

A carrier knows no lists of contacts: on its record a recipient gets nothing more from a number, or from all numbers
that share the record. An opt-out of one list that was written there would end the account's other lists too (G5). So by
default only what is as wide as the carrier's record is written (`account`); `all` says that an account wants the others
there as well.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

from services.inbound.carrier_lists.http import ApiRequest, ApiResponse
from shared.events.opt_out import AnyOptOutEvent, OptedIn, OptedOut

WriteReach = Literal["account", "all"]
"""The opt-outs that are written: those from the whole account, or those of single lists and numbers too."""
_NOT_THEIR_OWN = frozenset(("carrier", "clean_up", "reassigned"))
"""Sources of opt-outs that are not written: what the carrier has said itself, and what is not an opt-out of anybody."""
_THEIR_CONSENT = frozenset((None, "api", "phone_call", "mail", "by_hand", "web_form", "link"))
"""Sources of opt-ins that are written: a START, or a consent whose wording is on record. Not an undone clean-up."""
_SENDER = "sender:"


class Consent(NamedTuple):
    """A statement for the carrier's record: whether the recipient wants messages from what `sender` names."""

    event_id: UUID
    phone: str
    is_opt_out: bool
    sender: str
    source: str | None
    at: datetime


class ConsentOutcome(NamedTuple):
    """A consent that the carrier has, or why it will never have it."""

    consent: Consent
    refusal: str | None = None


class ConsentWriter(Protocol):
    """A writer to the record of one account at one carrier.

    `limit` is how many consents one call can have, `pause_seconds` what the carrier wants between two calls.
    """

    @property
    def gateway(self) -> str: ...
    @property
    def limit(self) -> int: ...
    @property
    def pause_seconds(self) -> float: ...

    def senders_of(self, scope: str, reach: WriteReach) -> Collection[str]:
        """Return the carrier's names of what an event in this scope is written for; none: it is not."""
        ...

    def request(self, consents: Sequence[Consent], now: datetime) -> ApiRequest:
        """Return the call for at most `limit` consents."""
        ...

    def outcomes(self, response: ApiResponse, consents: Sequence[Consent]) -> list[ConsentOutcome]:
        """Return what became of them; those that are missing are to be sent again.

        Raises:
            CarrierRefusesError: none of them is taken, nor will be.
            TransientError: none of them is taken now.
        """
        ...


def consents_of(event: AnyOptOutEvent, writer: ConsentWriter, reach: WriteReach) -> list[Consent]:
    """Return what an event changes on the carrier's record."""
    if not isinstance(event, OptedOut | OptedIn) or not _is_written(event):
        return []
    is_opt_out = isinstance(event, OptedOut)
    return [
        Consent(event.event_id, event.phone, is_opt_out, sender, event.source, event.occurred_at)
        for sender in writer.senders_of(event.scope, reach)
    ]


def _is_written(event: OptedOut | OptedIn) -> bool:
    return event.source not in _NOT_THEIR_OWN if isinstance(event, OptedOut) else event.source in _THEIR_CONSENT


def newest(consents: Iterable[Consent]) -> list[Consent]:
    """Return the last word of each recipient to each sender, in the order of the last words."""
    last: dict[tuple[str, str], Consent] = {}
    for each in consents:
        last.pop((each.phone, each.sender), None)
        last[each.phone, each.sender] = each
    return list(last.values())


def number_of(scope: str) -> str | None:
    """Return the sender number of a scope; None where it is not one of a number."""
    return scope.removeprefix(_SENDER) if scope.startswith(_SENDER) else None
