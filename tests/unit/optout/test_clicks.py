"""A click on a link is an opt-out of the message's list, as STOP is; an undo lifts that and nothing else."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from recipients import NOON, NUMBER, PHONE, RULES, reply, sent, who_was_sent

from services.optout.clicks import UNDO_WINDOW, LinkOptIn, LinkOptOut, SentLink, request_of
from services.optout.decide import DecidableEvent, decide
from services.optout.decision_log.entry import Entry
from services.optout.decision_log.log import Batch, EventAtOffset, decide_batch
from services.optout.decision_log.stored_rules import AccountRules
from services.optout.decision_log.write import states_left
from services.optout.pipeline.records import opt_out_records
from services.optout.policies import PolicyReach
from services.optout.policies.width import NO_POLICY
from services.optout.recipient import Recipient
from services.optout.recipient_after import apply
from shared.events.codec import decode
from shared.events.inbound import LinkConfirmed, LinkUndone, OptOutRequested
from shared.events.opt_out import opt_out_event_adapter

LINK_END = "4fQz0Yb7TnK"
LINK = SentLink("demo", "m-1", 7, PHONE, NUMBER)
FIRST = UUID(int=11)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def confirms(minutes: float = 0, policy: PolicyReach = NO_POLICY, *, all_lists: bool = False) -> LinkOptOut:
    event = LinkConfirmed(event_id=FIRST, occurred_at=at(minutes), token=LINK_END, all_lists=all_lists)
    request = request_of(event, LINK, policy)
    assert isinstance(request, LinkOptOut)
    return request


def undoes(minutes: float) -> LinkOptIn:
    request = request_of(LinkUndone(event_id=uuid4(), occurred_at=at(minutes), token=LINK_END), LINK, NO_POLICY)
    assert isinstance(request, LinkOptIn)
    return request


def decided(*events: DecidableEvent) -> list[Entry]:
    batch = Batch(0, 0, len(events), [EventAtOffset(offset, event) for offset, event in enumerate(events)])
    people = {(event.account_id, event.phone): Recipient() for event in events}
    entries = decide_batch(batch, {}, defaultdict(lambda: AccountRules(RULES)), people, NOON)
    return [entry for entry, _ in entries]


def after(*events: DecidableEvent) -> Recipient:
    recipient = who_was_sent(sent(7))
    for event in events:
        recipient = apply(decide(event, recipient, RULES), event, recipient)
    return recipient


def states_as_saved(*events: DecidableEvent) -> dict[str, tuple[datetime | None, str | None]]:
    batch = Batch(0, 0, len(events), [EventAtOffset(offset, event) for offset, event in enumerate(events)])
    people = {("demo", PHONE): who_was_sent(sent(7))}
    entries = decide_batch(batch, {}, defaultdict(lambda: AccountRules(RULES)), people, NOON)
    left = states_left([entry for entry, _ in entries])
    return {scope: (each.sent_at, each.source) for (_, scope, _), each in left.items()}


def state_after(*events: DecidableEvent) -> dict[str, str | None]:
    return {scope: left.state for (_, scope, _), left in states_left(decided(*events)).items()}


def test_a_click_leaves_the_list_of_its_message_and_the_evidence_names_message_and_source() -> None:
    (entry,) = decided(confirms())
    assert (entry.kind, entry.changed, entry.reason) == ("opt_out", ("list:7",), "opted_out")
    assert (entry.attribution, entry.message_id) == ("replied_message", "m-1")
    assert entry.request is not None
    assert entry.request.source == "link"
    (record,) = opt_out_records(entry)
    event = decode(opt_out_event_adapter, record.value)
    assert (event.type, event.scope, getattr(event, "source", None)) == ("opted_out", "list:7", "link")


@pytest.mark.parametrize(
    ("reach", "scopes"),
    [("sender", ("list:7", f"sender:{NUMBER}")), ("account", ("list:7", "account"))],
)
def test_a_policy_makes_a_click_reach_as_far_as_a_stop(reach: Any, scopes: tuple[str, ...]) -> None:
    (entry,) = decided(confirms(policy=PolicyReach(reach, "US-2026")))
    assert (entry.changed, entry.reach_policy) == (scopes, "US-2026")


def test_who_chose_all_lists_gets_nothing_more_from_the_account() -> None:
    (entry,) = decided(confirms(all_lists=True))
    assert entry.changed == ("account",)


def test_a_double_tap_is_one_decision() -> None:
    assert len(decided(confirms(), confirms(0.001), confirms(1))) == 1


def test_who_came_back_and_confirms_again_is_opted_out_again() -> None:
    kinds = [entry.kind for entry in decided(confirms(), undoes(1), confirms(2), undoes(3), confirms(4))]
    assert kinds == ["opt_out", "opt_in", "opt_out", "opt_in", "opt_out"]


def test_an_undo_lifts_the_click_with_all_that_it_reached() -> None:
    wide = confirms(policy=PolicyReach("account", "US-2026"))
    assert state_after(wide, undoes(14)) == {"list:7": "opted_in", "account": "opted_in"}


def test_an_imported_opt_out_that_is_older_than_an_undo_counts() -> None:
    imported = OptOutRequested(
        event_id=uuid4(), occurred_at=at(3), account_id="demo", phone=PHONE, scopes=("list:7",), by="ada",
        source="import", asked_at=at(-60),
    )  # fmt: skip
    assert state_after(confirms(), undoes(1), imported) == {"list:7": "opted_out"}
    (_, undo) = decided(confirms(), undoes(1))
    assert undo.times == (None, None)


def test_an_undo_after_its_time_lifts_nothing() -> None:
    late = UNDO_WINDOW.total_seconds() / 60 + 0.1
    assert state_after(confirms(), undoes(late)) == {"list:7": "opted_out"}


def test_an_undo_does_not_lift_a_stop_before_the_click_or_after_it() -> None:
    stop = reply("STOP ALL", occurred_at=at(-1), sent_at=at(-1))
    assert state_after(stop, confirms(all_lists=True), undoes(1))["account"] == "opted_out"
    stop = reply("STOP ALL", occurred_at=at(0.5), sent_at=at(0.5))
    assert state_after(confirms(all_lists=True), stop, undoes(1))["account"] == "opted_out"


def asked(minutes: float, source: Any) -> OptOutRequested:
    return OptOutRequested(
        event_id=uuid4(),
        occurred_at=at(minutes),
        account_id="demo",
        phone=PHONE,
        scopes=("list:7",),
        by="ada",
        source=source,
    )


@pytest.mark.parametrize(
    "other",
    [
        asked(-1, "phone_call"),
        asked(0.5, "phone_call"),
        asked(-1, "reassigned"),
        asked(-1, "clean_up"),
        reply("STOP", occurred_at=at(0.5), sender_number=None),
        reply("please leave me alone", occurred_at=at(-1)),
        reply("please leave me alone", occurred_at=at(0.5)),
    ],
)
def test_an_undo_does_not_lift_what_was_asked_for_in_another_way(other: DecidableEvent) -> None:
    both = sorted([other, confirms()], key=lambda event: event.occurred_at)
    recipient = after(*both)
    assert states_as_saved(*both) == {s: (each.sent_at, each.source) for s, each in recipient.suppressions.items()}
    assert after(*both, undoes(1)).is_suppressed("list:7")


def test_a_start_which_is_about_what_was_stopped_by_writing_does_not_lift_a_click() -> None:
    assert after(confirms(), reply("START", occurred_at=at(20))).is_suppressed("list:7")


def test_clicks_on_two_links_can_be_undone() -> None:
    again = confirms(0.5).model_copy(update={"event_id": uuid4()})
    assert not after(confirms(), again, undoes(1)).is_suppressed("list:7")


def test_an_undo_that_kafka_has_late_does_not_lift_a_later_click() -> None:
    assert after(confirms(2), undoes(1)).is_suppressed("list:7")
