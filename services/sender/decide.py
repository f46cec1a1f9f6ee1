"""What happens to a requested message: pure; the request, its ledger row and the cache's answer in, a verdict out."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.sender.ledger.rows import Row
from services.sender.suppressions.lookup import Query, Suppression, query
from services.sender.suppressions.placement import partitions_of
from shared.events.outbound import MessageRequested


@dataclass(frozen=True, slots=True)
class Send:
    """Sending is allowed."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Sending is forbidden."""

    suppression: Suppression


@dataclass(frozen=True, slots=True)
class Repeat:
    """The message has had its fate; its event is told again, in case it never was."""

    row: Row


@dataclass(frozen=True, slots=True)
class Await:
    """Its call is under way in another process, or that process died: nobody calls again, its fate is awaited."""


SEND = Send()
AWAIT = Await()

Known = Repeat | Await
Verdict = Send | Drop


def known(row: Row | None) -> Known | None:
    """Return what to do with a message that the ledger knows; None where it has to be decided."""
    if row is None or row.state == "pending":
        return None
    return AWAIT if row.state == "dispatching" else Repeat(row)


def verdict(suppression: Suppression | None) -> Verdict:
    return SEND if suppression is None else Drop(suppression)


def scopes_of(request: MessageRequested) -> tuple[str, ...]:
    """Return the scopes in which an opt-out forbids the message."""
    return f"list:{request.list_id}", "account", f"sender:{request.sender_number}"


def queries_of(requests: Sequence[MessageRequested], partitions: int) -> list[Query]:
    """Return what to ask the suppression cache about the messages."""
    places = partitions_of([request.phone.encode() for request in requests], partitions)
    return [
        query(request.account_id, scopes_of(request), place, request.phone)
        for request, place in zip(requests, places, strict=True)
    ]
