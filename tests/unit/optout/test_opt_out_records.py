"""What is written out field by field is what the models of the contract say."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.optout.confirmation import OptOutConfirmation
from services.optout.decision_log.entry import STATES, Entry
from services.optout.decision_log.origin import RequestDetails
from services.optout.pipeline.context import SOURCE
from services.optout.pipeline.records import opt_out_records, suppression_records
from shared.events.base import derived_id, derived_id_text
from shared.events.codec import cloud_event_headers, encode
from shared.events.opt_out import AnyOptOutEvent, HeldReleased, OptedIn, OptedOut, OptOutHeld
from shared.events.suppression import AllowedConfirmation, SuppressionChanged
from shared.scopes import list_id_of

SCOPES = st.lists(st.sampled_from(["account", "list:1", "list:9007199254740991"]), unique=True, max_size=3)
ENTRIES = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["opt_out", "held", "opt_in", "confirmed", "released", "none", "help"]),
        "changed": SCOPES.map(tuple),
        "sender_number": st.sampled_from([None, "+18335550123", "ACME", "A & B-C.D_", "12345"]),
        "rule": st.one_of(st.none(), st.text(max_size=100).filter(lambda text: text.isprintable())),
        "rule_version": st.one_of(st.none(), st.integers(0, 10**9)),
        "attribution": st.sampled_from([None, "last_message", "account"]),
        "decided_at": st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
        "request": st.sampled_from([None, RequestDetails("api"), RequestDetails("clean_up")]),
        "held_event_id": st.one_of(st.none(), st.builds(uuid4)),
        "confirmation": st.sampled_from([None, OptOutConfirmation("confirmation-1", 5, "Acme: no more texts", "list")]),
    }
)


def published_scopes(entry: Entry) -> tuple[str, ...]:
    return (*entry.changed, *entry.raised) if entry.kind in STATES else ()


def allowed(entry: Entry) -> AllowedConfirmation | None:
    if entry.confirmation is None:
        return None
    return AllowedConfirmation(
        message_id="confirmation-1",
        list_id=5,
        sender_number=entry.sender_number or "",
        body_sha256=sha256(b"Acme: no more texts").hexdigest(),
        received_at=entry.received_at,
    )


def suppressions_of(entry: Entry) -> list[SuppressionChanged]:
    """Return the suppressions that the entry published, in its order."""
    return [
        SuppressionChanged(
            account_id=entry.account_id,
            scope=scope,
            phone=entry.phone,
            state=STATES[entry.kind],
            cause_event_id=entry.cause_event_id,
            changed_at=entry.decided_at,
            confirmation=allowed(entry),
        )
        for scope in published_scopes(entry)
    ]


def opt_out_events_of(entry: Entry) -> list[AnyOptOutEvent]:
    """Return the opt-out events that the entry published, in its order."""
    return [_event(entry, scope) for scope in published_scopes(entry)]


def _event(entry: Entry, scope: str) -> AnyOptOutEvent:
    fields: dict[str, Any] = {
        "event_id": derived_id(entry.event_id, entry.kind, scope),
        "occurred_at": entry.decided_at,
        "account_id": entry.account_id,
        "phone": entry.phone,
        "scope": scope,
        "list_id": list_id_of(scope),
        "sender_number": entry.sender_number,
        "cause_event_id": entry.cause_event_id,
        "rule": entry.rule or "",
        "rule_version": entry.rule_version or 0,
        "attribution": entry.attribution or "account",
    }
    source = entry.request.source if entry.request else None
    match entry.kind:
        case "opt_out" | "confirmed":
            return OptedOut(**fields, source=source)
        case "held":
            return OptOutHeld(**fields, reason=entry.matched_by or "")
        case "released":
            return HeldReleased(**fields, by=entry.by or "")
        case _:
            return OptedIn(**fields, source=source)


@given(st.text(), st.lists(st.text()))
def test_the_text_of_a_derived_id_is_that_of_the_id(cause: str, parts: list[str]) -> None:
    assert derived_id_text(cause, *parts) == str(derived_id(cause, *parts))


@given(ENTRIES)
def test_records_are_what_the_models_would_have_made(fields: dict[str, Any]) -> None:
    entry = Entry(
        **fields, partition=0, offset=0, event_id=uuid4(), account_id="acme", phone="+14155550100", gateway="test",
        gateway_message_id=None, received_at=fields["decided_at"], sent_at=None, body_sha256="", reason="x", by="ada",
    )  # fmt: skip
    if entry.confirmation is not None and entry.sender_number is None:
        return  # never: it goes out from the number that was written to
    assert list(suppression_records(entry)) == [
        (event.key(), encode(event), cloud_event_headers(event, SOURCE)) for event in suppressions_of(entry)
    ]
    assert list(opt_out_records(entry)) == [
        (event.phone.encode(), encode(event), cloud_event_headers(event, SOURCE)) for event in opt_out_events_of(entry)
    ]
