"""What is published of a decision follows from its entry alone, so a replay publishes the same."""

from recipients import NOON, PHONE, RULES, reply, sent

from services.optout.decide import decide
from services.optout.decision_log.entry import Entry, entry_adapter, entry_of, entry_text
from services.optout.pipeline.records import opt_out_records, suppression_records
from services.optout.recipient import Recipient, Suppression
from shared.events.codec import decode
from shared.events.opt_out import AnyOptOutEvent, opt_out_event_adapter
from shared.events.suppression import SuppressionChanged, suppression_event_adapter


def entry(body: str, recipient: Recipient) -> Entry:
    event = reply(body)
    return entry_of(event, decide(event, recipient, RULES), partition=3, offset=7, decided_at=NOON)


def suppressions_of(entry: Entry) -> list[SuppressionChanged]:
    decoded = [decode(suppression_event_adapter, record.value) for record in suppression_records(entry)]
    return [event for event in decoded if isinstance(event, SuppressionChanged)]


def opt_out_events_of(entry: Entry) -> list[AnyOptOutEvent]:
    return [decode(opt_out_event_adapter, record.value) for record in opt_out_records(entry)]


def test_a_stored_entry_publishes_what_the_fresh_one_published() -> None:
    fresh = entry("STOP", Recipient(sent=[sent(5)]))
    stored = entry_adapter.validate_json(entry_text(fresh))
    assert suppressions_of(stored) == suppressions_of(fresh)
    assert opt_out_events_of(stored) == opt_out_events_of(fresh)
    assert [event.event_id for event in opt_out_events_of(stored)] == [e.event_id for e in opt_out_events_of(fresh)]


def test_an_opt_out_publishes_a_suppression_and_an_event_for_its_list() -> None:
    fresh = entry("STOP", Recipient(sent=[sent(5)]))
    assert [(s.scope, s.phone, s.state) for s in suppressions_of(fresh)] == [("list:5", PHONE, "opted_out")]
    assert [(e.type, e.list_id, e.rule) for e in opt_out_events_of(fresh)] == [("opted_out", 5, "STOP")]


def test_an_opt_in_publishes_the_state_opted_in_and_never_a_deletion() -> None:
    away = Recipient({"list:5": Suppression("list:5", "opted_out", "+18335550123", None)})
    assert [(s.scope, s.state) for s in suppressions_of(entry("START", away))] == [("list:5", "opted_in")]


def test_what_changes_nothing_publishes_nothing() -> None:
    for fresh in (entry("hello", Recipient()), entry("START", Recipient())):
        assert suppressions_of(fresh) == opt_out_events_of(fresh) == []


def test_the_entry_has_the_hash_of_the_text_and_not_the_text() -> None:
    assert "secret words" not in entry_text(entry("secret words", Recipient()))
