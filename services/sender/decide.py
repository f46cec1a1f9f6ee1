"""The decision about requested messages, from their ledger rows, the suppression cache and the gate; no I/O.

`BatchProcessor` asks twice. After a fence it has the suppressions and the gate's verdicts, and no rows: one of the last
four lines of the table fits. Then it has the rows of the requests that are left, and no suppressions: one of the first
three fits, and nothing is sent. That there is one call per message id (G3) is kept by the claim in the ledger.

| ledger row      | fence   | suppression | gate      | the request goes to                                 |
|-----------------|---------|-------------|-----------|-----------------------------------------------------|
| an outcome      | any     | any         | any       | `to_republish`: its outcome is published again      |
| dispatching     | any     | any         | any       | `in_progress`: somebody calls, or died calling (G3) |
| none or pending | none    | not checked | not asked | `needs_fence`: it needs a fence                     |
| none or pending | any     | found       | any       | `to_drop`                                           |
| none or pending | any     | none        | rejects   | `to_reject` (G7)                                    |
| none or pending | expired | none        | passes    | `needs_fence`: it needs another fence (G1)          |
| none or pending | fresh   | none        | passes    | `to_send`, with the text that passes                |
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.sender.gate import Judged
from services.sender.ledger.model import ERASED, MessageKey, Row, key_of
from shared.events.outbound import MessageRequested
from shared.gate import Rejection
from shared.suppressions.lookup import CheckedSuppressions, Query, SuppressionHit, query
from shared.suppressions.placement import partitions_of
from shared.suppressions.scopes import forbidding_scopes


@dataclass(frozen=True, slots=True)
class Decision:
    """The requests, each in the list of what happens to it; those in `in_progress` are left alone for now."""

    to_republish: list[Row] = field(default_factory=list)
    in_progress: list[MessageRequested] = field(default_factory=list)
    to_drop: list[tuple[MessageRequested, SuppressionHit]] = field(default_factory=list)
    to_reject: list[tuple[MessageRequested, Rejection]] = field(default_factory=list)
    to_send: list[MessageRequested] = field(default_factory=list)
    needs_fence: list[MessageRequested] = field(default_factory=list)


def decide(
    requests: Sequence[MessageRequested],
    rows: Mapping[MessageKey, Row],
    checked: CheckedSuppressions | None,
    judged: Sequence[Judged],
    now: float,
) -> Decision:
    """Return what happens to each request: the first line of the module's table that fits counts.

    Args:
        requests: the messages.
        rows: what the ledger has of them, as far as it was asked.
        checked: the suppressions of the same messages in the same order; None before a fence is completed.
        judged: the gate's verdict on each, in the same order; empty before a fence is completed.
        now: a time of `shared.suppressions.fence_pass.boottime`.
    """
    decision, nothing = Decision(), [None] * len(requests)
    hits = nothing if checked is None else checked.hits
    may_send = checked is not None and not checked.fenced.has_expired(now)
    for request, hit, verdict in zip(requests, hits, judged or nothing, strict=True):
        match rows.get(key_of(request)):
            case Row(state="dispatching"):
                decision.in_progress.append(request)
            case Row() as row if row.state != "pending":
                decision.to_republish.append(row._replace(phone=request.phone) if row.phone == ERASED else row)
            case _ if hit is not None:
                decision.to_drop.append((request, hit))
            case _ if isinstance(verdict, Rejection):
                decision.to_reject.append((request, verdict))
            case _ if may_send and verdict is not None:
                decision.to_send.append(verdict)
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
