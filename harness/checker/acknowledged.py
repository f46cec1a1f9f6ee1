"""The moment by which Kafka had acknowledged a reply.

The moment itself is not recorded, but it has two bounds. The record's timestamp, taken before the record was sent, is
the lower one. The upper one is the earliest consequence of the acknowledgement: the webhook's 2xx, an event that the
opt-out service published about the reply (a consumer sees only replicated records), or the same of a later record of
the partition. A check that uses the upper bound can miss a violation in the time between the two, a few milliseconds
on a working system, and can never report one that did not happen.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from harness.checker.history import ChangeRecord, History, ReplyRecord, SuppressionRecord
from harness.checker.identity import replies_by_id

_TIMESTAMP_GRAIN = timedelta(milliseconds=1)  # record timestamps are whole milliseconds, rounded down


def acknowledged_by(history: History) -> dict[UUID, datetime]:
    """Return for each reply the earliest moment at which it was certainly acknowledged; absent if there is none."""
    replies = replies_by_id(history)
    own_bounds = _own_bounds(history, replies)
    bounds: dict[UUID, datetime] = {}
    earliest: dict[int, datetime] = {}
    for reply_id, record in reversed(replies.items()):
        known = filter(None, (own_bounds.get(reply_id), earliest.get(record.partition)))
        bound = min(known, default=None)
        if bound is not None:
            bounds[reply_id] = earliest[record.partition] = bound
    return bounds


def _own_bounds(history: History, replies: Mapping[UUID, ReplyRecord]) -> dict[UUID, datetime]:
    """Return the earliest consequence of each reply's own acknowledgement."""
    by_gateway_id: defaultdict[tuple[str, str | None], list[UUID]] = defaultdict(list)
    for reply_id, reply in replies.items():
        by_gateway_id[reply.event.account_id, reply.event.gateway_message_id].append(reply_id)
    consequences: defaultdict[UUID, list[datetime]] = defaultdict(list)
    for accepted in history.accepted:
        match by_gateway_id[accepted.account_id, accepted.gateway_message_id]:
            case [reply_id]:  # of several replies under one id, it is not known which was answered
                consequences[reply_id].append(accepted.answered_at)
    published: list[ChangeRecord | SuppressionRecord] = [*history.changes, *history.suppressions]
    for record in published:
        consequences[record.event.cause_event_id].append(record.created_at + _TIMESTAMP_GRAIN)
    return {reply_id: min(moments) for reply_id, moments in consequences.items()}
