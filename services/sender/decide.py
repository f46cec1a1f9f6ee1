"""What happens to a requested message: pure; the request, its ledger row and the cache's answer in, a verdict out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from services.sender.ledger.rows import Row
from services.sender.suppressions.lookup import Query, Suppression, query
from services.sender.suppressions.placement import partitions_of
from shared.events.outbound import MessageRequested


@dataclass(frozen=True, slots=True)
class Repeat:
    """The message has had its fate; its event is told again, in case it never was."""

    row: Row


@dataclass(frozen=True, slots=True)
class Await:
    """Its call is under way in another process, or that process died: nobody calls again, its fate is awaited."""


Known = Repeat | Await
_AWAIT = Await()


class Decided(NamedTuple):
    """What is allowed, and what is forbidden and why."""

    sent: list[MessageRequested]
    dropped: list[tuple[MessageRequested, Suppression]]


def known(row: Row | None) -> Known | None:
    """Return what to do with a message that the ledger knows; None where it has to be decided."""
    if row is None or row.state == "pending":
        return None
    return _AWAIT if row.state == "dispatching" else Repeat(row)


def decide(requests: Sequence[MessageRequested], suppressions: Sequence[Suppression | None]) -> Decided:
    """Return what happens to each message: it is sent unless there is a suppression."""
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
