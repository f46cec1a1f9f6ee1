"""Erasures without a database: pseudonyms under several keys, what one counts, and how what it erased is read."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from recipients import NOON, PHONE, RULES, reply

from services.optout.decide import decide
from services.optout.decision_log.entry import Entry, entry_of
from services.optout.decision_log.erasures import with_erased_counts, with_phones
from services.optout.decision_log.repetitions import identify, identity_of_entry
from services.optout.pseudonyms import Pseudonyms
from services.optout.recipient import Recipient
from shared.events.inbound import ErasureRequested, MessageReceived

OLD, NEW = "the-key-of-last-year", "the-key-of-this-year"
PSEUDONYM = Pseudonyms([NEW]).new("demo", PHONE)


def erasure(pseudonym: str = PSEUDONYM) -> ErasureRequested:
    return ErasureRequested(
        event_id=uuid4(), occurred_at=NOON, account_id="demo", phone=PHONE, pseudonym=pseudonym, reason="r", by="ada"
    )


def entry(event: ErasureRequested | MessageReceived, offset: int = 0) -> Entry:
    return entry_of(event, decide(event, Recipient(), RULES), 0, offset, datetime.now(UTC))


def erased(event: MessageReceived, offset: int = 0) -> Entry:
    return replace(entry(event, offset), phone=PSEUDONYM, body_sha256="", gateway_message_id=None, term=None)


def test_the_newest_key_makes_pseudonyms_and_every_key_finds_its_own() -> None:
    before, after = Pseudonyms([OLD]), Pseudonyms([NEW, OLD])
    assert after.new("demo", PHONE) == Pseudonyms([NEW]).new("demo", PHONE)
    assert before.new("demo", PHONE) in after.all("demo", PHONE)
    assert Pseudonyms([]).all("demo", PHONE) == []


def test_a_pseudonym_is_of_one_account_and_says_neither_key_nor_phone() -> None:
    made = Pseudonyms([NEW])
    assert made.new("demo", PHONE) != made.new("other", PHONE)
    assert PHONE[1:] not in made.new("demo", PHONE)
    assert {made.new("demo", PHONE)[:16] for _ in range(2)} == {made.new("other", PHONE)[:16]}  # the key's id


def test_an_erasure_is_an_entry_about_the_pseudonym_that_changes_no_suppression() -> None:
    made = entry(erasure())
    assert (made.phone, made.kind, made.by, made.changed, made.raised) == (PSEUDONYM, "erased", "ada", (), ())


def test_an_erasure_counts_the_entries_before_it_and_those_of_its_batch_before_it() -> None:
    first, second = erasure(), erasure()
    events = [reply("one"), first, reply("two"), second]
    decided = [(entry(event), "") for event in events]
    counted = with_erased_counts(decided, events, {("demo", PHONE): 4})
    assert [each.request.erased_entries for each, _ in counted if each.request is not None] == [5, 1]
    assert with_erased_counts(decided[:1], events[:1], {}) == decided[:1]


def test_an_erased_entry_is_published_with_the_phone_of_its_record_or_not_at_all() -> None:
    there, gone, kept = erased(reply("STOP"), 3), erased(reply("STOP"), 4), entry(reply("STOP"), 5)
    assert with_phones([there, gone, kept], {(3, str(there.event_id)): PHONE}, {}) == [
        replace(there, phone=PHONE),
        kept,
    ]
    about = entry(erasure())
    assert with_phones([about], {}, {}) == [about]


def test_of_several_erased_entries_at_one_offset_each_is_published_with_its_own_phone() -> None:
    one, other = erased(reply("STOP"), 3), erased(reply("STOP"), 3)
    said = {(3, str(one.event_id)): PHONE, (3, str(other.event_id)): "+14155550199"}
    assert [each.phone for each in with_phones([one, other], said, {})] == [PHONE, "+14155550199"]


def test_an_erased_click_whose_record_has_no_phone_is_published_with_that_of_the_batchs_erasure() -> None:
    click, about = erased(reply("STOP"), 3), entry(erasure(), 4)
    said = {(4, str(about.event_id)): PHONE}
    assert with_phones([click, about], said, {PSEUDONYM: PHONE}) == [replace(click, phone=PHONE), about]


def test_what_comes_again_under_the_id_of_an_erased_message_counts_if_it_is_a_new_opt_out() -> None:
    event = reply("STOP")
    known = {event.event_id: identity_of_entry(erased(event))}
    identified = identify(event, 9, known)
    assert identified is not None
    assert identified.may_be_repetition
    assert identified.event.event_id != event.event_id
