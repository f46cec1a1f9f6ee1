"""The decision about requested messages, from their ledger rows, the suppression cache and the gate; no I/O.

`BatchProcessor` asks in three places. Before a fence only what is not due is decided, by its own times
(`services/sender/timing.py`): `to_reject` or `to_wait`; all else needs the fence. After it there are the suppressions
and the verdicts of gate and time, and no rows. Then it has the rows of the requests left, and neither suppressions nor
verdicts: nothing is sent. "None found" is also where nobody has looked yet. That there is one call per id (G3) is kept
by the claim in the ledger.

| ledger row      | fence   | suppression | verdict     | the request goes to                                 |
|-----------------|---------|-------------|-------------|-----------------------------------------------------|
| an outcome      | any     | any         | any         | `to_republish`: its outcome is published again      |
| waiting         | any     | any         | any         | `to_republish`: that it waits is published again    |
| dispatching     | any     | any         | any         | `in_progress`: somebody calls, or died calling (G3) |
| none or pending | any     | found       | any         | `to_suppress`                                       |
| none or pending | any     | none found  | rejects     | `to_reject` (G7)                                    |
| none or pending | any     | none found  | has it wait | `to_wait`, as it was requested                      |
| none or pending | none    | not checked | any other   | `needs_fence`: it needs a fence                     |
| none or pending | expired | none found  | passes      | `needs_fence`: it needs another fence (G1)          |
| none or pending | fresh   | none found  | passes      | `to_send`, with the text that passes                |
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from services.sender.ledger.model import ERASED, NOT_REQUESTED, MessageKey, Row, key_of
from services.sender.timing import Untimely, Verdict, Wait
from shared.events.outbound import MessageRequested
from shared.gate import Rejection
from shared.scopes import forbidding_scopes
from shared.suppressions.lookup import CheckedSuppressions, Query, SuppressionHit, query
from shared.suppressions.placement import partitions_of

_NO_PHONE = (ERASED, NOT_REQUESTED)


@dataclass(frozen=True, slots=True)
class Decision:
    """The requests, each in the list of what happens to it; those in `in_progress` are left alone for now."""

    to_republish: list[Row] = field(default_factory=list)
    in_progress: list[MessageRequested] = field(default_factory=list)
    to_suppress: list[tuple[MessageRequested, SuppressionHit]] = field(default_factory=list)
    to_reject: list[tuple[MessageRequested, Rejection | Untimely]] = field(default_factory=list)
    to_wait: list[tuple[MessageRequested, Wait]] = field(default_factory=list)
    to_send: list[MessageRequested] = field(default_factory=list)
    needs_fence: list[MessageRequested] = field(default_factory=list)


def decide(
    requests: Sequence[MessageRequested],
    now: float,
    *,
    rows: Mapping[MessageKey, Row] = MappingProxyType({}),
    checked: CheckedSuppressions | None = None,
    verdicts: Sequence[Verdict] = (),
) -> Decision:
    """Return what happens to each request: the first line of the module's table that fits counts.

    Args:
        requests: the messages.
        now: a time of `shared.suppressions.fence_pass.boottime`.
        rows: what the ledger has of them, where it was asked.
        checked: the suppressions of the same messages in the same order, where a fence is completed.
        verdicts: of gate and time on each, in the same order, where they were asked.
    """
    decision, nothing = Decision(), [None] * len(requests)
    hits = nothing if checked is None else checked.hits
    may_send = checked is not None and not checked.fence_pass.has_expired(now)
    for request, hit, verdict in zip(requests, hits, verdicts or nothing, strict=True):
        match rows.get(key_of(request)):
            case Row(state="dispatching"):
                decision.in_progress.append(request)
            case Row() as row if row.state != "pending":
                decision.to_republish.append(row._replace(phone=request.phone) if row.phone in _NO_PHONE else row)
            case _ if hit is not None:
                decision.to_suppress.append((request, hit))
            case _ if isinstance(verdict, Rejection | Untimely):
                decision.to_reject.append((request, verdict))
            case _ if isinstance(verdict, Wait):
                decision.to_wait.append((request, verdict))
            case _ if may_send and verdict is not None:
                decision.to_send.append(verdict)
            case _:
                decision.needs_fence.append(request)
    return decision


def queries_of(requests: Sequence[MessageRequested], partitions: int) -> list[Query]:
    """Return what to ask the suppression cache about the messages."""
    partition_of_each = partitions_of([request.phone.encode() for request in requests], partitions)
    return [
        query(
            request.account_id,
            forbidding_scopes(request.list_id, request.sender_number, request.also_lists),
            partition,
            request.phone,
        )
        for request, partition in zip(requests, partition_of_each, strict=True)
    ]
