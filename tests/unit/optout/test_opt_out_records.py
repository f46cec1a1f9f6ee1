"""What is written out field by field is what the models of the contract say."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.optout.pipeline.consume import SERVICE
from services.optout.pipeline.records import opt_out_records, suppression_records
from services.optout.record.entry import Entry, opt_out_events_of, suppressions_of
from shared.events.codec import cloud_event_headers, encode

SCOPES = st.lists(st.sampled_from(["account", "list:1", "list:9007199254740991"]), unique=True, max_size=3)
ENTRIES = st.fixed_dictionaries(
    {
        "answer": st.sampled_from(["opt_out", "held", "opt_in", "confirmed", "released", "none", "help"]),
        "changed": SCOPES.map(tuple),
        "sender_number": st.sampled_from([None, "+18335550123", "ACME", "A & B-C.D_", "12345"]),
        "rule": st.one_of(st.none(), st.text(max_size=100).filter(lambda text: text.isprintable())),
        "rule_version": st.one_of(st.none(), st.integers(0, 10**9)),
        "attribution": st.sampled_from([None, "last_message", "account"]),
        "decided_at": st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
        "held_event_id": st.one_of(st.none(), st.builds(uuid4)),
    }
)


@given(ENTRIES)
def test_records_are_what_the_models_would_have_made(fields: dict[str, Any]) -> None:
    entry = Entry(
        **fields, partition=0, offset=0, event_id=uuid4(), account_id="acme", phone="+14155550100", gateway="test",
        gateway_message_id=None, received_at=fields["decided_at"], sent_at=None, body_sha256="", reason="x", by="ada",
    )  # fmt: skip
    assert list(suppression_records(entry)) == [
        (event.key(), encode(event), cloud_event_headers(event, SERVICE)) for event in suppressions_of(entry)
    ]
    assert list(opt_out_records(entry)) == [
        (event.phone.encode(), encode(event), cloud_event_headers(event, SERVICE)) for event in opt_out_events_of(entry)
    ]
