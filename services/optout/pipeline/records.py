"""The records that are published of an entry of the decision log: the same whenever it is read again.

Suppressions and events are written as dictionaries, in about half of the time that building the models takes; a test
compares them with the models, byte by byte. All other events are written by their models.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic_core import to_json

from services.optout.confirmation import OptOutConfirmation
from services.optout.decision_log.alike import AlikeEntries, template_of
from services.optout.decision_log.entry import NARROWED, STATES, DecisionKind, Entry
from services.optout.decision_log.log import EntryOrAlike
from services.optout.follow_ups import auto_reply_id
from services.optout.pipeline.context import SOURCE
from shared.confirmations import confirmation_digest
from shared.events.base import Event, derived_id_text, format_time
from shared.events.codec import cloud_event_headers, encode, headers_of
from shared.events.opt_out import AnyOptOutEvent, HeldReleased, OptedIn, OptedOut, OptOutHeld
from shared.events.outbound import MessageRequested
from shared.events.suppression import SuppressionChanged, SuppressionsChanged
from shared.producer import OutgoingRecord
from shared.scopes import list_id_of

_OPT_OUT_EVENTS: dict[DecisionKind, type[AnyOptOutEvent]] = {
    "opt_out": OptedOut,
    "held": OptOutHeld,
    "opt_in": OptedIn,
    "confirmed": OptedOut,
    "released": HeldReleased,
}


def record_of(key: bytes | None, event: Event) -> OutgoingRecord:
    """Return the record of any event, by its model."""
    return OutgoingRecord(key, encode(event), cloud_event_headers(event, SOURCE))


def suppression_records(entry: EntryOrAlike) -> Iterator[OutgoingRecord]:
    """Yield `suppression_changed` for each scope in `changed` or `raised`; one for all entries that are alike."""
    return _of_alike(entry) if isinstance(entry, AlikeEntries) else _suppression_records(entry)


def _of_alike(alike: AlikeEntries) -> Iterator[OutgoingRecord]:
    first = alike.first
    for scope in _published_scopes(first):
        event = SuppressionsChanged(
            account_id=first.account_id,
            scope=scope,
            phones=tuple(alike.phones),
            state=STATES[first.kind],
            cause_event_id=first.cause_event_id,
            changed_at=first.decided_at,
        )
        yield record_of(event.key(), event)


def _suppression_records(entry: Entry) -> Iterator[OutgoingRecord]:
    for scope in _published_scopes(entry):
        state, cause, at = STATES[entry.kind], str(entry.cause_event_id), format_time(entry.decided_at)
        value = {
            "type": "suppression_changed",
            "version": 1,
            "account_id": entry.account_id,
            "scope": scope,
            "phone": entry.phone,
            "state": state,
            "cause_event_id": cause,
            "changed_at": at,
        }
        if entry.confirmation is not None:
            value["confirmation"] = _allowed_confirmation(entry, entry.confirmation)
        headers = headers_of(SuppressionChanged, SOURCE, derived_id_text(cause, scope, state), at)
        yield OutgoingRecord(f"{entry.account_id}|{scope}|{entry.phone}".encode(), to_json(value), headers)


def opt_out_records(entry: EntryOrAlike) -> Iterator[OutgoingRecord]:
    """Yield the opt-out event for each scope in `changed` or `raised`; a reassigned number is not an opt-out."""
    return _opt_outs_of_alike(entry) if isinstance(entry, AlikeEntries) else _opt_out_records(entry)


def _opt_outs_of_alike(alike: AlikeEntries) -> Iterator[OutgoingRecord]:
    """Yield the event of the first entry, and those of the others made from it."""
    first, at = alike.first, format_time(alike.first.decided_at)
    for scope, record in zip(_published_scopes(first), _opt_out_records(first), strict=True):
        template = template_of(
            (record.value or b"").decode(),
            event_id=f'"{derived_id_text(first.event_id, first.kind, scope)}"',
            phone=f'"{first.phone}"',
            cause_event_id=f'"{first.event_id}"',
        )
        for each in alike.recorded:
            event_id = derived_id_text(each.event_id, first.kind, scope)
            value = template % (f'"{event_id}"', f'"{each.phone}"', f'"{each.event_id}"')
            headers = headers_of(_OPT_OUT_EVENTS[first.kind], SOURCE, event_id, at)
            yield OutgoingRecord(each.phone.encode(), value.encode(), headers)


def _opt_out_records(entry: Entry) -> Iterator[OutgoingRecord]:
    if entry.request is not None and entry.request.source == "reassigned":
        return
    for scope in _published_scopes(entry):
        event_type = _OPT_OUT_EVENTS[entry.kind]
        event_id, at = derived_id_text(entry.event_id, entry.kind, scope), format_time(entry.decided_at)
        value = {
            "type": event_type.model_fields["type"].default,
            "version": 1,
            "event_id": event_id,
            "occurred_at": at,
            "account_id": entry.account_id,
            "phone": entry.phone,
            "scope": scope,
            "list_id": list_id_of(scope),
            "sender_number": entry.sender_number,
            "cause_event_id": str(entry.cause_event_id),
            "rule": entry.rule or "",
            "rule_version": entry.rule_version or 0,
            "attribution": entry.attribution or "account",
            **_by_kind(entry),
        }
        yield OutgoingRecord(entry.phone.encode(), to_json(value), headers_of(event_type, SOURCE, event_id, at))


def _by_kind(entry: Entry) -> dict[str, str | None]:
    """Return the field that only the event of the entry's kind has."""
    match entry.kind:
        case "held":
            # The event's `reason` is what matched; the entry's own says what became of the reply.
            return {"reason": entry.matched_by or ""}
        case "released":
            return {"by": entry.by or ""}
        case _:
            return {"source": entry.request.source if entry.request else _source_of_reply(entry)}


def auto_reply_records(entry: Entry) -> Iterator[OutgoingRecord]:
    """Yield the entry's automatic replies: messages like any other, which the sender may still suppress."""
    for follow_up in entry.follow_ups:
        if follow_up.action == "AUTO_REPLY":
            auto_reply = MessageRequested(
                account_id=entry.account_id,
                message_id=auto_reply_id(entry.event_id),
                list_id=follow_up.list_ids[0],
                phone=entry.phone,
                sender_number=entry.sender_number or "",
                body=follow_up.address,
                requested_at=entry.decided_at,
                conversational=True,
            )
            yield record_of(auto_reply.phone.encode(), auto_reply)


def confirmation_records(entry: Entry) -> Iterator[OutgoingRecord]:
    """Yield the confirmation of the entry's opt-out: the sender lets it pass by what is in `suppressions` alone."""
    confirmation = entry.confirmation
    if confirmation is not None:
        message = MessageRequested(
            account_id=entry.account_id,
            message_id=confirmation.message_id,
            list_id=confirmation.list_id,
            phone=entry.phone,
            sender_number=entry.sender_number or "",
            body=confirmation.text,
            requested_at=entry.decided_at,
            confirms_opt_out=entry.event_id,
        )
        yield record_of(message.phone.encode(), message)


def _allowed_confirmation(entry: Entry, confirmation: OptOutConfirmation) -> dict[str, Any]:
    return {
        "message_id": confirmation.message_id,
        "list_id": confirmation.list_id,
        "sender_number": entry.sender_number,
        "body_sha256": confirmation_digest(confirmation.text),
        "received_at": format_time(entry.received_at),
    }


def _source_of_reply(entry: Entry) -> str | None:
    return NARROWED if entry.reason == NARROWED else None


def _published_scopes(entry: Entry) -> Sequence[str]:
    return (*entry.changed, *entry.raised) if entry.kind in STATES else ()
