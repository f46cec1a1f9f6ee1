"""Which records are repetitions, and which only look it."""

from collections import defaultdict
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from recipients import NOON, RULES, reply, sent, who_was_sent

from services.optout.decision_log.entry import Entry
from services.optout.decision_log.log import Batch, EventAtOffset, decide_batch
from services.optout.decision_log.repetitions import Identity, identity_of_entry
from services.optout.decision_log.stored_rules import AccountRules
from services.optout.recipient import Recipient
from shared.events.inbound import MessageReceived, OptOutRequested
from shared.events.suppression import PublishedConfirmation

ID = UUID(int=7)


def says(body: str, minute: int = 0, **fields: Any) -> MessageReceived:
    given = {"gateway_message_id": "0", **fields}
    return reply(body, event_id=ID, occurred_at=NOON + timedelta(minutes=minute), **given)


def decided(*events: MessageReceived | OptOutRequested, known: dict[UUID, Identity] | None = None) -> list[Entry]:
    batch = Batch(0, 0, len(events), [EventAtOffset(offset, event) for offset, event in enumerate(events)])
    recipients = {(event.account_id, event.phone): Recipient() for event in events}
    return [
        entry
        for entry, _ in decide_batch(batch, known or {}, defaultdict(lambda: AccountRules(RULES)), recipients, NOON)
    ]


def answers(*events: MessageReceived) -> list[str]:
    return [entry.kind for entry in decided(*events)]


def test_a_stop_that_came_again_without_a_time_after_a_start_is_heard() -> None:
    assert answers(says("STOP"), says("START", 1), says("STOP", 2)) == ["opt_out", "opt_in", "opt_out"]


def test_a_stop_that_may_be_a_webhook_repeated_days_later_is_confirmed_by_nobody() -> None:
    three_days_later = 3 * 24 * 60
    said = [says("STOP"), says("START", 1), says("STOP", three_days_later)]
    account = AccountRules(RULES, confirmations=[PublishedConfirmation(country="US", text="Acme: you are opted out.")])
    batch = Batch(0, 0, 3, [EventAtOffset(offset, event) for offset, event in enumerate(said)])
    people = {(said[0].account_id, said[0].phone): who_was_sent(sent(5))}
    entries = [entry for entry, _ in decide_batch(batch, {}, {said[0].account_id: account}, people, NOON)]
    assert [(entry.kind, entry.confirmation is not None) for entry in entries] == [
        ("opt_out", True), ("opt_in", False), ("opt_out", False),
    ]  # fmt: skip


def test_a_start_that_came_again_without_a_time_undoes_no_stop() -> None:
    said = [says("STOP"), says("START", 1), says("STOP", 2), says("START", 3)]
    assert answers(*said) == ["opt_out", "opt_in", "opt_out"]


@pytest.mark.parametrize("body", ["STOP", "START", "hello"])
def test_a_repetition_that_asks_for_nothing_new_is_passed_over(body: str) -> None:
    assert len(decided(says(body), says(body, 1), says(body, 2))) == 1


def test_with_a_time_a_repetition_is_certain() -> None:
    said = [("STOP", 0), ("START", 1), ("STOP", 0)]
    events = [says(body, 2 * n, sent_at=NOON + timedelta(minutes=at)) for n, (body, at) in enumerate(said)]
    assert answers(*events) == ["opt_out", "opt_in"]


@pytest.mark.parametrize("body", ["STOP", "START", "hello"])
def test_what_is_listed_after_its_webhook_came_is_decided_once(body: str) -> None:
    assert len(decided(says(body), says(body, 9, listed_sent_at=NOON))) == 1


def test_a_stop_that_is_listed_again_after_a_start_undoes_nothing() -> None:
    said = [says("STOP"), says("START", 1), says("STOP", 2, listed_sent_at=NOON), says("STOP", 5, listed_sent_at=NOON)]
    assert answers(*said) == ["opt_out", "opt_in"]


def test_an_entry_says_when_the_gateway_had_what_it_listed() -> None:
    [entry] = decided(says("STOP", 9, listed_sent_at=NOON))
    assert (entry.sent_at, entry.untimed_at, entry.received_at) == (None, NOON, NOON + timedelta(minutes=9))
    assert entry.times == (None, NOON)


def test_the_very_record_again_is_a_repetition_whatever_it_lacks() -> None:
    assert answers(says("STOP"), says("START", 1), says("STOP")) == ["opt_out", "opt_in"]


@pytest.mark.parametrize(
    "other",
    [{"phone": "+14155550199"}, {"account_id": "other"}, {"gateway": "generic"}, {"gateway_message_id": "1"},
     {"sender_number": "+18335550999"}, {"sent_at": NOON}, {"unusable_sent_at": "soon"}],
)  # fmt: skip
def test_another_message_under_the_same_id_is_decided_under_one_of_its_own_and_once(other: dict[str, Any]) -> None:
    first, second = decided(says("hello"), says("hello", **other), says("hello", **other))
    assert first.event_id == ID
    assert (second.came_as, second.event_id == ID) == (ID, False)


def test_an_outside_producer_that_writes_one_id_for_all_swallows_no_stop() -> None:
    said = [("STOP", 0), ("START", 1), ("STOP", 2), ("STOP", 2)]
    entries = decided(*(says(body, minute, gateway_message_id=None) for body, minute in said))
    assert [entry.kind for entry in entries] == ["opt_out", "opt_in", "opt_out"]
    assert len({entry.event_id for entry in entries}) == len(entries)


def test_what_is_on_record_counts_as_what_is_in_the_batch() -> None:
    first = decided(says("STOP"), says("hello", 1))
    known = {entry.event_id: identity_of_entry(entry) for entry in first}
    assert len(first) == len(known)
    assert decided(says("hello", 1), known=known) == []


def test_a_request_under_the_id_of_one_that_was_erased_still_opts_out() -> None:
    request = OptOutRequested(
        event_id=ID,
        occurred_at=NOON,
        account_id="demo",
        phone=reply().phone,
        scopes=("account",),
        by="ada",
        source="api",
    )
    erased = Identity("demo", "erased:0", "request", None, None, None, None, "", None, NOON)
    (entry,) = decided(request, known={ID: erased})
    assert (entry.kind, entry.changed, entry.event_id != ID) == ("opt_out", ("account",), True)
