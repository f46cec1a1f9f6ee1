"""Decides the requests of one record of a clean-up, or of its undo, together: the same as one by one.

Recipients in the same situation get the same decision, which `decide` makes once. Usually nobody was suppressed before,
and there is one situation: so a removal costs a fraction of what a reply does.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from services.optout.decide import decide
from services.optout.decision_log.alike import AlikeEntries, Recorded, write_alike
from services.optout.decision_log.entry import entry_of, stored_body
from services.optout.decision_log.load import load_last
from services.optout.decision_log.position import Position, move_position, save_position
from services.optout.recipient import Recipient, Suppression
from services.optout.removals import ListRemovals, lifted_id, request_id, request_of
from services.optout.rules import RuleSet
from shared.failpoints import failpoint
from shared.postgres import Connection
from shared.scopes import list_scope

_IS_ANY_DECIDED = "SELECT EXISTS (SELECT FROM decisions WHERE event_id = ANY($1::uuid[]))"

_SUPPRESSIONS = """
SELECT phone, scope, state, sender_number, sent_at, cause_event_id, untimed_at, source, gateway
FROM suppressions WHERE account_id = $1 AND phone = ANY($2::text[]) AND scope = $3
"""

_NO_RULES = RuleSet(())


@dataclass(frozen=True, slots=True)
class RemovalsBatch:
    """A record of one partition, at `offset`, that stands for many requests; the position moves to `next_offset`."""

    partition: int
    expected: int
    next_offset: int
    offset: int
    event: ListRemovals


class _Situation(NamedTuple):
    """The part of a recipient's suppression that a removal, or its undo, is decided by."""

    state: str
    source: str | None
    gateway: str | None
    is_what_is_lifted: bool


async def record_removals(
    connection: Connection, batch: RemovalsBatch, now: datetime
) -> tuple[list[AlikeEntries], Position] | None:
    """Decide and record the batch, all or nothing; None where some of it is decided already: then it is one by one.

    Raises:
        PositionMovedError: another process has recorded the batch.
    """
    event = batch.event
    ids = [request_id(event, phone) for phone in event.phones]
    if await connection.fetchval(_IS_ANY_DECIDED, ids):
        return None
    async with connection.transaction():
        position = await move_position(connection, batch.partition, batch.expected, batch.next_offset)
        failpoint("optout.after_position")
        found = await _suppressions(connection, event)
        last = await load_last(connection, batch.partition, [(event.account_id, phone) for phone in event.phones])
        previous = {phone: sequence for (_, phone), sequence in last.items()}
        groups = decide_removals(batch, dict(zip(event.phones, ids, strict=True)), found, previous, now)
        failpoint("optout.after_load")
        position = await write_alike(connection, batch.partition, position, groups)
        await save_position(connection, batch.partition, position)
        failpoint("optout.before_record_commit")
    failpoint("optout.after_record_commit")
    return groups, position


async def _suppressions(connection: Connection, event: ListRemovals) -> dict[str, Suppression]:
    rows = await connection.fetch(_SUPPRESSIONS, event.account_id, event.phones, list_scope(event.list_id))
    return {phone: Suppression(*rest) for phone, *rest in rows}


def decide_removals(
    batch: RemovalsBatch,
    ids: Mapping[str, str],
    found: Mapping[str, Suppression],
    last: Mapping[str, int],
    now: datetime,
) -> list[AlikeEntries]:
    """Return the entries about the phones of the batch, those in the same situation together; pure.

    Args:
        batch: of requests that nobody has decided.
        ids: of the request about each phone.
        found: the suppressions of the list.
        last: the sequence number of each phone's newest entry, where it has one.
        now: the time of the decision.
    """
    event = batch.event
    alike: defaultdict[_Situation | None, list[Recorded]] = defaultdict(list)
    for phone, event_id in ids.items():
        lifts, suppression = lifted_id(event, phone), found.get(phone)
        situation = None if suppression is None else _situation(suppression, lifts)
        alike[situation].append(Recorded(phone, event_id, lifts, last.get(phone, 0)))
    return [_decided_alike(batch, recorded, found, now) for recorded in alike.values()]


def _situation(suppression: Suppression, lifts: str | None) -> _Situation:
    is_what_is_lifted = lifts is not None and str(suppression.cause_event_id) == lifts
    return _Situation(suppression.state, suppression.source, suppression.gateway, is_what_is_lifted)


def _decided_alike(
    batch: RemovalsBatch, recorded: Sequence[Recorded], found: Mapping[str, Suppression], now: datetime
) -> AlikeEntries:
    """Decide the request about the first of recipients in the same situation, for all of them."""
    first = recorded[0]
    request = request_of(batch.event, first.phone)
    suppression = found.get(first.phone)
    recipient = Recipient({} if suppression is None else {suppression.scope: suppression})
    decision = decide(request, recipient, _NO_RULES)
    entry = entry_of(request, decision, batch.partition, batch.offset, now)
    return AlikeEntries(replace(entry, previous_sequence=first.previous_sequence), stored_body(request), recorded)
