"""Records for many recipients: where they are in a batch, how they are published, and what is parked."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka import ConsumerRecord
from recipients import NOON

from services.optout.decision_log.alike import AlikeEntries, template_of
from services.optout.decision_log.entry import entry_adapter
from services.optout.decision_log.log import Batch
from services.optout.decision_log.removals import RemovalsBatch, decide_removals
from services.optout.pipeline.parse import batch_of, parse
from services.optout.pipeline.records import opt_out_records, suppression_records
from services.optout.pipeline.repair import PublishedStates, _note
from services.optout.recipient import Suppression
from services.optout.removals import ListRemovals, removal_id, request_id
from shared.events.codec import decode, encode
from shared.events.inbound import FenceMarkerAppended, OptOutRequested
from shared.events.removals import RemovalsRequested, RemovalsUndone
from shared.events.suppression import CHANGES_KEY, SuppressionsChanged, suppression_event_adapter
from shared.parking import Parking
from shared.partitions import partition_of

PHONES = ("+14155550100", "+14155550101", "+14155550102")
CLEAN_UP, UNDO = uuid4(), uuid4()
COMMON = {"event_id": uuid4(), "occurred_at": NOON, "account_id": "demo", "list_id": 7, "phones": PHONES, "by": "ada"}
REMOVALS = RemovalsRequested.model_validate({**COMMON, "job_id": CLEAN_UP})
UNDONE = RemovalsUndone.model_validate({**COMMON, "job_id": UNDO, "clean_up_id": CLEAN_UP})


def decided(event: ListRemovals, found: dict[str, Suppression]) -> list[AlikeEntries]:
    ids = {phone: request_id(event, phone) for phone in event.phones}
    return decide_removals(RemovalsBatch(0, 0, 1, 0, event), ids, found, {PHONES[1]: 41}, NOON)


def record(offset: int, event: Any) -> ConsumerRecord[Any, Any]:
    value = encode(event)
    return ConsumerRecord("inbound-messages", 0, offset, 0, 0, None, value, None, 0, len(value), ())


def suppressed_by(cause: str, source: str | None) -> Suppression:
    return Suppression("list:7", "opted_out", None, None, UUID(cause), NOON - timedelta(days=1), source)


def test_recipients_who_are_taken_off_are_published_in_one_suppression_and_an_event_for_each() -> None:
    (alike,) = decided(REMOVALS, {})
    entries = [entry_adapter.validate_json(text) for text in alike.texts()]
    assert [entry.previous_sequence for entry in entries] == [0, 41, 0]
    assert list(opt_out_records(alike)) == [each for entry in entries for each in opt_out_records(entry)]
    (published,) = suppression_records(alike)
    many = decode(suppression_event_adapter, published.value)
    assert isinstance(many, SuppressionsChanged)
    assert (many.phones, many.state, published.key) == (PHONES, "opted_out", many.key())
    singly = [decode(suppression_event_adapter, each.value) for entry in entries for each in suppression_records(entry)]
    assert [(each.phone, each.state) for each in many.singly()] == [
        (each.phone, each.state)  # type: ignore[union-attr]
        for each in singly
    ]


def test_records_of_one_part_that_are_published_apart_have_keys_of_their_own() -> None:
    held = Suppression("list:7", "held", None, None, uuid4(), NOON)
    keys = [record.key for alike in decided(REMOVALS, {PHONES[0]: held}) for record in suppression_records(alike)]
    assert len(set(keys)) == len(keys) == 2


def test_an_undo_lifts_what_the_clean_up_caused_and_nothing_else() -> None:
    causes = {phone: suppressed_by(removal_id(CLEAN_UP, phone), "clean_up") for phone in PHONES[:2]}
    own = suppressed_by(str(uuid4()), None)
    lifted, kept = decided(UNDONE, {**causes, PHONES[2]: own})
    assert (lifted.phones, lifted.first.changed) == (list(PHONES[:2]), ("list:7",))
    assert (kept.phones, kept.first.changed, list(suppression_records(kept))) == ([PHONES[2]], (), [])


def test_a_value_that_looks_like_another_field_stays_as_it_is() -> None:
    text = '{"by":"%s\\"phone\\":\\"+1\\"","phone":"+1"}'
    template = template_of(text, phone='"+1"')
    assert template % ('"+2"',) == '{"by":"%s\\"phone\\":\\"+1\\"","phone":"+2"}'
    with pytest.raises(AssertionError):
        template_of(text, phone='"+3"')


def test_a_record_for_many_is_published_by_itself_between_what_others_sent() -> None:
    asked = OptOutRequested.model_validate(
        {**COMMON, "phone": PHONES[0], "scopes": ("account",), "source": "api", "event_id": uuid4()}
    )
    marker = FenceMarkerAppended(marker_id=uuid4())
    log = [record(offset, event) for offset, event in enumerate([marker, asked, REMOVALS, UNDONE, asked, marker])]
    portions = list(parse(log, 1, Parking("test"), NOON))
    assert [(each.first_offset, each.next_offset) for each in portions] == [(0, 2), (2, 3), (3, 4), (4, 6)]
    assert [each.removals for each in portions] == [None, REMOVALS, UNDONE, None]
    assert [[each.offset for each in portion.received] for portion in portions] == [[1], [], [], [4]]
    found = [batch for each in portions if (batch := batch_of(0, each, 3)) is not None]
    assert [(type(each), each.expected, each.next_offset) for each in found] == [(RemovalsBatch, 3, 4), (Batch, 3, 6)]


def test_a_record_for_many_with_a_phone_of_another_partition_is_parked_with_the_records_around_it() -> None:
    here = [phone for phone in (f"+1415555{n}" for n in range(1000, 1100)) if partition_of(phone, 6) == 0][:3]
    right, wrong = (REMOVALS.model_copy(update={"phones": tuple(phones)}) for phones in (here, [*here, PHONES[0]]))
    assert partition_of(PHONES[0], 6) != 0
    first, last = parse([record(0, right), record(1, wrong)], 6, Parking("test"), NOON)
    assert (first.removals, first.parked) == (right, ())
    assert (last.removals, dict(last.bad), len(last.parked)) == (None, {"wrong_partition": 1}, 1)


def test_a_phone_that_is_named_twice_counts_once() -> None:
    twice = RemovalsRequested.model_validate({**COMMON, "phones": (*PHONES, PHONES[0]), "job_id": CLEAN_UP})
    assert twice.phones == PHONES


def test_what_is_published_is_compared_with_the_decision_log_by_phone() -> None:
    held = PublishedStates()
    (published,) = suppression_records(decided(REMOVALS, {})[0])
    _note(held, published.key, published.value)
    states = {key: None if each is None else each.state for key, each in held.items()}
    assert states == {f"demo|list:7|{phone}".encode(): "opted_out" for phone in PHONES}
    _note(held, published.key, b"no event")
    assert len(held) == 3
    nothing = PublishedStates()
    _note(nothing, CHANGES_KEY + b"another|list:7", published.value)  # no sender takes it with this key
    assert nothing == {}
