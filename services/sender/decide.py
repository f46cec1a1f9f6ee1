"""The decision about a requested message, from its ledger row and the suppression cache; no I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from services.sender.fence_pass import FencePass
from services.sender.ledger.model import Row
from services.sender.suppressions.lookup import Query, SuppressionHit, query
from services.sender.suppressions.placement import partitions_of
from shared.events.outbound import MessageRequested


@dataclass(frozen=True, slots=True)
class Repeat:
    """The message already has an outcome, which is published again in case it never was."""

    row: Row


@dataclass(frozen=True, slots=True)
class Await:
    """A call is under way in another process, or that process died: nobody calls again, the outcome is awaited."""


Known = Repeat | Await
_AWAIT = Await()


class Decided(NamedTuple):
    """The messages that are allowed, and those that are not, each with the reason."""

    sent: list[MessageRequested]
    dropped: list[tuple[MessageRequested, SuppressionHit]]


def known(row: Row | None) -> Known | None:
    """Return what to do with a message that the ledger knows; None where it has to be decided."""
    if row is None or row.state == "pending":
        return None
    return _AWAIT if row.state == "dispatching" else Repeat(row)


def decide(
    _fenced: FencePass, requests: Sequence[MessageRequested], suppressions: Sequence[SuppressionHit | None]
) -> Decided:
    """Return what happens to each message: it is sent unless there is a suppression.

    Args:
        _fenced: the fence that was completed before the cache was asked; nobody may decide without one.
        requests: the messages.
        suppressions: of each message the suppression that forbids it, if any.
    """
    pairs = list(zip(requests, suppressions, strict=True))
    return Decided(
        [request for request, suppression in pairs if suppression is None],
        [(request, suppression) for request, suppression in pairs if suppression is not None],
    )


@lru_cache(maxsize=4096)
def scopes_of(list_id: int, sender_number: str) -> tuple[str, ...]:
    """Return the scopes in which an opt-out forbids a message of this list from this number."""
    return f"list:{list_id}", "account", f"sender:{sender_number}"


def queries_of(requests: Sequence[MessageRequested], partitions: int) -> list[Query]:
    """Return what to ask the suppression cache about the messages."""
    places = partitions_of([request.phone.encode() for request in requests], partitions)
    return [
        query(request.account_id, scopes_of(request.list_id, request.sender_number), place, request.phone)
        for request, place in zip(requests, places, strict=True)
    ]
