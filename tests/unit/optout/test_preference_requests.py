"""Opt-outs and opt-ins by request: what they change, what gives way to what, and what no START lifts."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from recipients import NOON, NUMBER, PHONE, RULES, reply, sent, who_was_sent

from services.optout.decide import Decision, OptIn, OptOut, Unchanged, decide
from services.optout.decision_log.entry import entry_of
from services.optout.recipient import Recipient, Suppression
from services.optout.recipient_after import apply
from services.optout.requests import PreferenceRequest, Requested
from shared.events.inbound import OptInRequested, OptOutRequested, ReviewDecided
from shared.events.suppression import SuppressionState

LIST, OTHER = "list:1", "list:2"
LATER = NOON + timedelta(hours=1)


def opt_out(*scopes: str, source: str = "phone_call", at: datetime = NOON, **fields: Any) -> OptOutRequested:
    return OptOutRequested.model_validate(
        {
            "event_id": uuid4(),
            "occurred_at": at,
            "account_id": "demo",
            "phone": PHONE,
            "scopes": scopes or (LIST,),
            "by": "ada",
            "source": source,
            **fields,
        }
    )


def opt_in(*scopes: str, at: datetime = NOON, **fields: Any) -> OptInRequested:
    return OptInRequested.model_validate(
        {
            "event_id": uuid4(),
            "occurred_at": at,
            "account_id": "demo",
            "phone": PHONE,
            "scopes": scopes or (LIST,),
            "by": "ada",
            "source": "web_form",
            "statement": "Yes, text me again",
            **fields,
        }
    )


def decided(event: PreferenceRequest, recipient: Recipient) -> Requested:
    decision = decide(event, recipient, RULES)
    assert isinstance(decision, Requested)
    return decision


def after(recipient: Recipient, *events: Any) -> Recipient:
    for event in events:
        recipient = apply(decide(event, recipient, RULES), event, recipient)
    return recipient


def states(recipient: Recipient) -> dict[str, str]:
    return {scope: each.state for scope, each in recipient.suppressions.items()}


def in_state(state: SuppressionState, *, cause: UUID | None = None, source: str | None = None) -> Recipient:
    return Recipient({LIST: Suppression(LIST, state, NUMBER, NOON, cause, None, source)})


def test_a_request_opts_out_of_what_it_names_and_of_nothing_else() -> None:
    recipient = after(Recipient(), opt_out(LIST, "sender:+18335550123", LIST))
    assert states(recipient) == {LIST: "opted_out", "sender:+18335550123": "opted_out"}


def test_what_was_held_is_opted_out() -> None:
    decision = decided(opt_out(), in_state("held"))
    assert (decision.raised, decision.changed, decision.reason) == ((LIST,), (), "opted_out")


def test_who_is_opted_out_stays_so_and_the_newer_wish_counts() -> None:
    recipient = in_state("opted_out", cause=UUID(int=1))
    asked = opt_out(at=LATER)
    decision = decided(asked, recipient)
    assert (decision.asked_again, decision.changed, decision.reason) == ((LIST,), (), "already_opted_out")
    kept = after(recipient, asked).suppressions[LIST]
    assert (kept.cause_event_id, kept.untimed_at, kept.sender_number) == (UUID(int=1), LATER, NUMBER)
    too_old = decide(
        reply("START", sent_at=LATER - timedelta(minutes=1), occurred_at=LATER), after(recipient, asked), RULES
    )
    assert isinstance(too_old, Unchanged)


@pytest.mark.parametrize("source", ["import", "clean_up"])
def test_a_copy_of_what_is_known_is_not_a_new_wish(source: str) -> None:
    assert decided(opt_out(source=source), in_state("opted_out")).asked_again == ()


def test_an_imported_opt_out_of_long_ago_holds() -> None:
    assert decided(opt_out(source="import", asked_at=datetime(2011, 1, 1, tzinfo=UTC)), Recipient()).changed == (LIST,)


@pytest.mark.parametrize(
    ("asked_at", "reason"), [(NOON - timedelta(days=1), "older_than_opt_in"), (LATER, "opted_out"), (None, "opted_out")]
)
def test_only_an_opt_in_that_was_given_later_stays(asked_at: datetime | None, reason: str) -> None:
    assert decided(opt_out(source="import", asked_at=asked_at, at=LATER), in_state("opted_in")).reason == reason


def test_an_imported_opt_out_is_older_than_the_consent_and_not_than_the_request_that_reported_it() -> None:
    consented = opt_in(consented_at=NOON + timedelta(hours=1), at=NOON + timedelta(days=9))
    recipient = after(Recipient(), opt_out(at=NOON), consented)
    assert states(recipient) == {LIST: "opted_in"}
    between = opt_out(source="import", asked_at=NOON + timedelta(days=1), at=NOON + timedelta(days=10))
    assert decided(between, recipient).changed == (LIST,)
    before = opt_out(source="import", asked_at=NOON, at=NOON + timedelta(days=10))
    assert decided(before, recipient).reason == "older_than_opt_in"


def test_an_imported_opt_out_counts_where_nobody_opted_in_after_it() -> None:
    removal = opt_out(source="clean_up")
    undone = after(Recipient(), removal, opt_in(lifts=removal.event_id, source="undo", at=LATER))
    held = in_state("held", cause=UUID(int=1))
    release = ReviewDecided(
        event_id=uuid4(), occurred_at=LATER, account_id="demo", phone=PHONE, held_event_id=UUID(int=1),
        decision="release", by="ada",
    )  # fmt: skip
    for recipient in (undone, after(held, release)):
        assert states(recipient) == {LIST: "opted_in"}
        long_ago = opt_out(source="import", asked_at=NOON - timedelta(days=900), at=LATER + timedelta(days=1))
        assert decided(long_ago, recipient).changed == (LIST,)


def test_no_start_lifts_what_nobody_wrote_whichever_number_it_goes_to() -> None:
    recipient = after(Recipient(), opt_out("account", LIST))
    for number in (NUMBER, None):
        decision = decide(reply("START", occurred_at=LATER, sender_number=number), recipient, RULES)
        assert isinstance(decision, Unchanged)


def test_an_opt_in_lifts_exactly_what_it_names() -> None:
    recipient = after(Recipient(), opt_out(LIST, OTHER, "account"), opt_in(LIST, at=LATER))
    assert states(recipient) == {LIST: "opted_in", OTHER: "opted_out", "account": "opted_out"}


@pytest.mark.parametrize(
    ("consented_at", "reason"),
    [(NOON - timedelta(seconds=1), "older_than_opt_out"), (NOON, "older_than_opt_out"), (LATER, "opted_in")],
)
def test_consent_counts_only_if_it_was_given_after_the_opt_out(consented_at: datetime, reason: str) -> None:
    recipient = after(Recipient(), opt_out(at=NOON))
    assert decided(opt_in(consented_at=consented_at, at=LATER), recipient).reason == reason


def test_who_was_not_opted_out_is_not_opted_in() -> None:
    assert decided(opt_in(), Recipient()).reason == "not_opted_out"


def test_a_clean_up_is_undone_but_not_a_stop_that_came_after_it() -> None:
    removal = opt_out(source="clean_up")
    undo = opt_in(lifts=removal.event_id, source="undo", at=LATER)
    assert states(after(Recipient(), removal, undo)) == {LIST: "opted_in"}
    stopped = after(
        Recipient(sent=who_was_sent(sent(1)).sent),
        removal,
        reply("STOP", occurred_at=NOON + timedelta(minutes=1)),
        undo,
    )
    assert states(stopped) == {LIST: "opted_out"}
    called = after(Recipient(), removal, opt_out(source="phone_call"), undo)
    assert states(called) == {LIST: "opted_out"}
    before = after(Recipient(), opt_out(source="phone_call"), removal, undo)
    assert states(before) == {LIST: "opted_out"}


def test_a_stop_after_a_clean_up_is_an_opt_out_of_its_own_that_its_start_lifts() -> None:
    removal = opt_out(source="clean_up")
    recipient = after(Recipient(sent=who_was_sent(sent(1)).sent), removal)
    stop = decide(reply("STOP"), recipient, RULES)
    assert isinstance(stop, OptOut)
    assert stop.raised == (LIST,)
    start = decide(reply("START", occurred_at=LATER), after(recipient, reply("STOP")), RULES)
    assert isinstance(start, OptIn)


def test_the_entry_says_who_asked_how_and_when() -> None:
    event = opt_out(asked_at=NOON, statement="Please stop", job_id=UUID(int=3))
    decision: Decision = decide(event, Recipient(), RULES)
    entry = entry_of(event, decision, 3, 17, LATER)
    assert (entry.kind, entry.rule, entry.by, entry.attribution) == ("opt_out", "request", "ada", "named")
    assert entry.request is not None
    assert (entry.request.source, entry.request.asked_at, entry.request.job_id) == ("phone_call", NOON, UUID(int=3))


def test_a_reassigned_number_is_suppressed_until_consent_that_is_newer_and_whoever_opts_out_takes_its_place() -> None:
    ended = after(Recipient(), opt_out("account", source="reassigned", at=NOON))
    assert states(ended) == {"account": "opted_out"}
    old, new = (opt_in("account", at=LATER, consented_at=at) for at in (NOON - timedelta(days=1), LATER))
    assert (states(after(ended, old)), states(after(ended, new))) == ({"account": "opted_out"}, {"account": "opted_in"})
    stop = opt_out("account", source="phone_call", at=LATER)
    assert decided(stop, ended).raised == ("account",)
    assert after(ended, stop).suppressions["account"].source == "phone_call"


def test_consent_after_the_date_that_was_asked_about_lifts_a_reassignment_that_came_later() -> None:
    asked, imported = NOON - timedelta(days=30), NOON
    reassigned = opt_out("account", source="reassigned", at=imported, asked_at=asked)
    ended = after(Recipient(), reassigned)
    entry = entry_of(reassigned, decided(reassigned, Recipient()), 0, 1, LATER)
    assert entry.times == (None, asked) == (None, ended.suppressions["account"].untimed_at)
    agreed = opt_in("account", at=LATER, consented_at=asked + timedelta(days=1))
    assert decided(agreed, ended).reason == "opted_in"
    assert decided(opt_in("account", at=LATER, consented_at=asked), ended).reason == "older_than_opt_out"
    # Where something stops the number already, whatever is later counts.
    for first, second in ((reassigned, opt_out("account", at=NOON)), (opt_out("account", at=NOON), reassigned)):
        assert after(Recipient(), first, second).suppressions["account"].untimed_at == NOON
    phoned = after(Recipient(), opt_out("account", at=NOON, asked_at=asked))
    assert decided(agreed, phoned).reason == "older_than_opt_out"


def test_what_was_held_keeps_its_time_when_a_request_makes_it_an_opt_out() -> None:
    held = Recipient({LIST: Suppression(LIST, "held", NUMBER, LATER, None, LATER)})
    raised = after(held, opt_out(LIST, at=NOON)).suppressions[LIST]
    assert (raised.state, raised.sent_at, raised.untimed_at) == ("opted_out", LATER, LATER)


def test_a_reassignment_leaves_the_opt_out_of_the_one_before_and_consent_that_is_newer_than_it() -> None:
    stopped = after(Recipient(), opt_out("account", source="mail"))
    assert after(stopped, opt_out("account", source="reassigned", at=LATER)).suppressions["account"].source == "mail"
    asked = NOON - timedelta(days=30)
    agreed = after(stopped, opt_in("account", at=LATER, consented_at=LATER))
    reassigned = opt_out("account", source="reassigned", at=LATER + timedelta(hours=1), asked_at=asked)
    assert decided(reassigned, agreed).reason == "older_than_opt_in"
