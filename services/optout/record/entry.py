"""One decision as it stands in the record, and what is published of it: the same whenever it is read again."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import TypeAdapter

from services.optout.decide import ACCOUNT, Decision, OptIn, OptOut, Unchanged
from services.optout.record.text import storable
from services.optout.rules import Answer as Match
from shared.events.base import derived_id
from shared.events.inbound import MessageReceived
from shared.events.opt_out import AnyOptOutEvent, AttributionMethod, OptedIn, OptedOut
from shared.events.suppression import SuppressionChanged

Answer = Literal["opt_out", "opt_in", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Everything about a decision but the text of the message, of which it has the SHA-256.

    A dataclass: there is one for each message, and it takes a quarter of a model's time to make.
    """

    partition: int
    offset: int
    event_id: UUID
    account_id: str
    phone: str
    sender_number: str | None
    gateway: str
    gateway_message_id: str | None
    received_at: datetime
    sent_at: datetime | None
    body_sha256: str
    decided_at: datetime
    answer: Answer
    reason: str
    rule: str | None = None
    rule_version: int | None = None
    term: str | None = None
    attribution: AttributionMethod | None = None
    message_id: str | None = None
    changed: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()


entries: TypeAdapter[Entry] = TypeAdapter(Entry)


def entry_text(entry: Entry) -> str:
    """Return the entry as it is chained and kept: JSON, its fields in their order, times in UTC."""
    return entries.dump_json(entry).decode()


def stored_body(event: MessageReceived) -> str:
    """Return the text of the message as it is kept."""
    return storable(event.body)


def entry_of(event: MessageReceived, decision: Decision, partition: int, offset: int, decided_at: datetime) -> Entry:
    """Return what the record says of `decision` about the `event` that stood at `offset`."""
    return Entry(
        partition=partition,
        offset=offset,
        event_id=event.event_id,
        account_id=event.account_id,
        phone=event.phone,
        sender_number=event.sender_number,
        gateway=event.gateway,
        gateway_message_id=event.gateway_message_id,
        received_at=event.occurred_at,
        sent_at=event.sent_at,
        body_sha256=hashlib.sha256(stored_body(event).encode()).hexdigest(),
        decided_at=decided_at,
        **_told(decision),
    )


def _told(decision: Decision) -> dict[str, Any]:
    match decision:
        case OptOut():
            answer, reason = "opt_out", "opted_out" if decision.changed else "already_opted_out"
        case OptIn():
            answer, reason = "opt_in", "opted_in"
        case Unchanged():
            return {"answer": "none", "reason": decision.reason, **_rule(decision.match)}
    return {
        "answer": answer,
        "reason": reason,
        "attribution": decision.attribution.method,
        "message_id": decision.attribution.message_id,
        "changed": decision.changed,
        "confirmed": decision.confirmed if isinstance(decision, OptOut) else (),
        **_rule(decision.match),
    }


def _rule(match: Match | None) -> dict[str, Any]:
    return {} if match is None else {"rule": match.rule, "rule_version": match.version, "term": match.term}


def suppressions_of(entry: Entry) -> list[SuppressionChanged]:
    """Return the suppressions that the entry published, in its order."""
    if entry.answer == "none":
        return []
    return [
        SuppressionChanged(
            account_id=entry.account_id,
            scope=scope,
            phone=entry.phone,
            state="opted_out" if entry.answer == "opt_out" else "opted_in",
            cause_event_id=entry.event_id,
            changed_at=entry.decided_at,
        )
        for scope in entry.changed
    ]


def opt_out_events_of(entry: Entry) -> list[AnyOptOutEvent]:
    """Return the opt-out events that the entry published, in its order."""
    if entry.answer == "none":
        return []
    made = OptedOut if entry.answer == "opt_out" else OptedIn
    return [
        made(
            event_id=derived_id(entry.event_id, entry.answer, scope),
            occurred_at=entry.decided_at,
            account_id=entry.account_id,
            phone=entry.phone,
            scope=scope,
            list_id=None if scope == ACCOUNT else int(scope.removeprefix("list:")),
            sender_number=entry.sender_number,
            cause_event_id=entry.event_id,
            rule=entry.rule or "",
            rule_version=entry.rule_version or 0,
            attribution=entry.attribution or "account",
        )
        for scope in entry.changed
    ]
