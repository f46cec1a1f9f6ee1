"""The decision about requested messages, from their ledger rows and the suppression cache; no I/O.

`BatchProcessor` asks twice. After a fence it has the suppressions and no rows: one of the last three lines of the table
fits. Then it has the rows of the requests that are left, and no suppressions: one of the first three fits, and nothing
is sent. That there is one call per message id (G3) is kept by the claim in the ledger.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.sender.ledger.model import ERASED, MessageKey, Row, key_of
from shared.events.outbound import MessageRequested
from shared.suppressions.lookup import CheckedSuppressions, Query, SuppressionHit, query
from shared.suppressions.placement import partitions_of
from shared.suppressions.scopes import forbidding_scopes


@dataclass(frozen=True, slots=True)
class Decision:
    """The requests, each in the list of what happens to it; those in `in_progress` are left alone for now."""

    to_republish: list[Row] = field(default_factory=list)
    in_progress: list[MessageRequested] = field(default_factory=list)
    to_drop: list[tuple[MessageRequested, SuppressionHit]] = field(default_factory=list)
    to_send: list[MessageRequested] = field(default_factory=list)
    needs_fence: list[MessageRequested] = field(default_factory=list)


def decide(
    requests: Sequence[MessageRequested],
    rows: Mapping[MessageKey, Row],
    checked: CheckedSuppressions | None,
    now: float,
) -> Decision:
    """Return what happens to each request; the first line of this table that fits counts.

    | ledger row                        | fence   | suppression | the request goes to                                 |
    |-----------------------------------|---------|-------------|-----------------------------------------------------|
    | sent, suppressed, failed, unknown | any     | any         | `to_republish`: its outcome is published again      |
    | dispatching                       | any     | any         | `in_progress`: somebody calls, or died calling (G3) |
    | none or pending                   | none    | not checked | `needs_fence`: it needs a fence                     |
    | none or pending                   | any     | found       | `to_drop`                                           |
    | none or pending                   | expired | none        | `needs_fence`: it needs another fence (G1)          |
    | none or pending                   | fresh   | none        | `to_send`                                           |

    Args:
        requests: the messages.
        rows: what the ledger has of them, as far as it was asked.
        checked: the suppressions of the same messages in the same order; None before a fence is completed.
        now: a time of `shared.suppressions.fence_pass.boottime`.
    """
    decision = Decision()
    hits = [None] * len(requests) if checked is None else checked.hits
    may_send = checked is not None and not checked.fenced.has_expired(now)
    for request, hit in zip(requests, hits, strict=True):
        match rows.get(key_of(request)):
            case Row(state="dispatching"):
                decision.in_progress.append(request)
            case Row() as row if row.state != "pending":
                decision.to_republish.append(row._replace(phone=request.phone) if row.phone == ERASED else row)
            case _ if hit is not None:
                decision.to_drop.append((request, hit))
            case _ if may_send:
                decision.to_send.append(request)
            case _:
                decision.needs_fence.append(request)
    return decision


def queries_of(requests: Sequence[MessageRequested], partitions: int) -> list[Query]:
    """Return what to ask the suppression cache about the messages."""
    places = partitions_of([request.phone.encode() for request in requests], partitions)
    return [
        query(
            request.account_id,
            forbidding_scopes(request.list_id, request.sender_number, request.also_lists),
            place,
            request.phone,
        )
        for request, place in zip(requests, places, strict=True)
    ]
