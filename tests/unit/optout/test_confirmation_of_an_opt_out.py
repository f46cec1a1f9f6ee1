"""The one answer to an opt-out: only where the account asks for it, only for a certain opt-out, once; else silence."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from recipients import NOON, NUMBER, OTHER_NUMBER, PHONE, RULES, reply, sent, who_was_sent

from services.optout.confirmation import CONFIRMED_AGAIN_AFTER, NARROWING_WINDOW, OptOutConfirmation
from services.optout.decide import Decision, Held, OptIn, OptOut, decide
from services.optout.decision_log.entry import entry_of, entry_text
from services.optout.decision_log.write import states_left
from services.optout.pipeline.records import auto_reply_records, confirmation_records, opt_out_records
from services.optout.policies import SHIPPED_ALONE
from services.optout.recipient import Recipient, ScopeQuestion, Suppression
from services.optout.recipient_after import apply
from services.optout.rules import Rule, RuleSet, VersionedRule
from services.optout.writer_certainty import limited_by_certainty
from shared.confirmations import confirmation_id
from shared.events.codec import decode
from shared.events.inbound import MessageReceived, OptOutRequested
from shared.events.opt_out import opt_out_event_adapter
from shared.events.outbound import outbound_event_adapter
from shared.events.suppression import PublishedConfirmation

PLAIN = PublishedConfirmation(country="US", text="Acme: you are opted out and get no more messages.")
ASKS = PublishedConfirmation(
    country="US",
    text="Acme: you get no more messages. Reply LIST to leave only this list.",
    asks_scope=True,
    list_word="list",
)
LATER = NOON + timedelta(minutes=2)


def decided(event: Any, recipient: Recipient, *settings: PublishedConfirmation, rules: RuleSet = RULES) -> Decision:
    return decide(event, recipient, rules, SHIPPED_ALONE, settings)


def confirmed(event: MessageReceived, recipient: Recipient, *settings: PublishedConfirmation) -> bool:
    decision = decided(event, recipient, *settings)
    return isinstance(decision, OptOut) and decision.confirmation is not None


def after(recipient: Recipient, *events: Any, settings: tuple[PublishedConfirmation, ...] = (ASKS,)) -> Recipient:
    for event in events:
        recipient = apply(decided(event, recipient, *settings), event, recipient)
    return recipient


def asked(*events: Any) -> Recipient:
    """Return who has opted out and was asked how far, as they are loaded afterwards; then what `events` leave."""
    left = after(who_was_sent(sent(5)), reply())
    open_question = replace(left.suppressions["account"], question=ScopeQuestion("list", NOON + NARROWING_WINDOW))
    return after(left.with_suppressions({"account": open_question}), *events)


def opted_out_of(*scopes: str, **fields: Any) -> Recipient:
    was = {s: replace(Suppression(s, "opted_out", NUMBER, None, uuid4()), **fields) for s in scopes}
    return who_was_sent(sent(5)).with_suppressions(was)


def test_by_default_nothing_answers_an_opt_out() -> None:
    assert not confirmed(reply(), who_was_sent(sent(5)))


def test_with_a_text_for_the_country_an_opt_out_is_confirmed_from_the_number_it_was_written_to() -> None:
    stop = reply()
    decision = decided(stop, who_was_sent(sent(5)), PLAIN)
    assert isinstance(decision, OptOut)
    assert decision.changed == ("list:5",)
    assert decision.confirmation == OptOutConfirmation(confirmation_id(stop.event_id), 5, PLAIN.text)


@pytest.mark.parametrize(
    ("fields", "settings"),
    [
        ({}, PLAIN.model_copy(update={"country": "CA"})),
        ({"phone": "+447700900123"}, PLAIN),
        ({}, PLAIN.model_copy(update={"sender_number": OTHER_NUMBER})),
        ({"sender_number": None}, PLAIN),
        ({"taken_by_carrier": True}, PLAIN),
        ({"taken_by_carrier": True}, PLAIN.model_copy(update={"carrier_is_silent": True})),
        ({"gateway": "twilio"}, PLAIN),
        ({"gateway": "telnyx"}, PLAIN),
        ({"gateway": "aws"}, PLAIN),
        ({"gateway": "generic", "carrier": "twilio"}, PLAIN),
        ({"part": "1/2 of 17"}, PLAIN),
        ({"sent_at": NOON - timedelta(minutes=5, seconds=1)}, PLAIN),
        ({"listed_sent_at": NOON - timedelta(minutes=5, seconds=1)}, PLAIN),
        ({"body": "what is this"}, PLAIN),
        ({"body": "STOP ALL"}, ASKS),
    ],
    ids=[
        "another country's text", "another country's phone", "another number's text", "no number",
        "the carrier took it", "whatever the account says",
        "Twilio answers", "Telnyx answers", "AWS answers", "Twilio answers behind a relay", "a part of a text",
        "a gateway's delay",
        "read from the gateway's list later",
        "no opt-out", "all was said and the text asks",
    ],
)  # fmt: skip
def test_there_is_silence_where(fields: dict[str, Any], settings: PublishedConfirmation) -> None:
    assert not confirmed(reply(**fields), who_was_sent(sent(5)), settings)


def test_where_the_carrier_was_silenced_by_the_accounts_word_there_is_one() -> None:
    silenced = PLAIN.model_copy(update={"carrier_is_silent": True})
    assert confirmed(reply(gateway="twilio"), who_was_sent(sent(5)), silenced)


def test_a_text_of_the_number_itself_comes_before_that_of_its_country() -> None:
    own = PLAIN.model_copy(update={"sender_number": NUMBER, "text": "Acme: done."})
    decision = decided(reply(), who_was_sent(sent(5)), PLAIN, own)
    assert isinstance(decision, OptOut)
    assert decision.confirmation is not None
    assert decision.confirmation.text == "Acme: done."


@pytest.mark.parametrize("scope", ["list:5", "account", f"sender:{NUMBER}"])
@pytest.mark.parametrize("state", ["opted_out", "held"])
def test_who_was_not_to_be_messaged_before_gets_no_confirmation(scope: str, state: str) -> None:
    assert not confirmed(reply(), opted_out_of(scope, state=state), PLAIN)


def test_a_repeated_stop_gets_no_second_one() -> None:
    assert not confirmed(reply(), after(who_was_sent(sent(5)), reply(), settings=(PLAIN,)), PLAIN)


def test_a_reply_that_does_not_answer_one_list_gets_none() -> None:
    assert not confirmed(reply(), Recipient(), PLAIN)
    both = who_was_sent(sent(5, 2, "unknown"), sent(6, 1, "unknown"))
    assert not confirmed(reply(), both, PLAIN)
    assert after(both, reply(), settings=(PLAIN,)).is_suppressed("list:6")


def test_what_is_held_gets_none() -> None:
    decision = decided(reply("wrong number"), who_was_sent(sent(5)), PLAIN)
    assert isinstance(decision, Held)
    entry = entry_of(reply("wrong number"), decision, 0, 0, NOON)
    assert entry.confirmation is None
    assert [*confirmation_records(entry), *auto_reply_records(entry)] == []


def test_what_did_not_come_as_a_reply_gets_none() -> None:
    asked = OptOutRequested(
        event_id=uuid4(), occurred_at=NOON, account_id="demo", phone=PHONE, scopes=("list:5",), by="ada", source="api"
    )
    entry = entry_of(asked, decided(asked, who_was_sent(sent(5)), PLAIN), 0, 0, NOON)
    assert entry.changed == ("list:5",)
    assert [*confirmation_records(entry)] == []


@pytest.mark.parametrize("certainty", ["possible", "another", "unknown"])
def test_who_may_not_have_written_gets_none(certainty: Any) -> None:
    decision = limited_by_certainty(decided(reply(), who_was_sent(sent(5)), PLAIN), certainty)
    assert not isinstance(decision, OptOut) or decision.confirmation is None


def test_who_comes_back_and_leaves_again_within_a_day_gets_no_second_one() -> None:
    soon, later = NOON + timedelta(minutes=9), NOON + CONFIRMED_AGAIN_AFTER
    came_back = after(who_was_sent(sent(5)), reply(), reply("START", occurred_at=LATER), settings=(PLAIN,))
    assert not came_back.is_suppressed("list:5")
    assert not confirmed(reply(occurred_at=soon), came_back, PLAIN)
    assert confirmed(reply(occurred_at=later), came_back, PLAIN)


def test_a_stop_after_coming_back_is_from_the_list_that_the_confirmation_was_of() -> None:
    came_back = after(who_was_sent(sent(5), sent(6, 9)), reply(), reply("START", occurred_at=LATER), settings=(PLAIN,))
    for pointer in (None, confirmation_id(came_back.suppressions["list:5"].cause_event_id or uuid4())):
        again = decided(reply(occurred_at=LATER + timedelta(minutes=1), replied_message_id=pointer), came_back, PLAIN)
        assert isinstance(again, OptOut)
        assert again.changed == ("list:5",)


def test_the_message_is_the_same_whenever_the_entry_is_read_again() -> None:
    stop = reply()
    entry = entry_of(stop, decided(stop, who_was_sent(sent(5)), PLAIN), 0, 0, LATER)
    (first,), (second,) = confirmation_records(entry), confirmation_records(entry)
    assert first == second
    message = decode(outbound_event_adapter, first.value)
    assert message.message_id == confirmation_id(stop.event_id)
    assert message.confirms_opt_out == stop.event_id
    assert (message.list_id, message.phone, message.sender_number, message.body) == (5, PHONE, NUMBER, PLAIN.text)
    assert '"confirmation":{' in entry_text(entry)


def test_an_entry_without_a_confirmation_reads_as_it_always_did() -> None:
    stop = reply()
    assert "confirmation" not in entry_text(entry_of(stop, decided(stop, who_was_sent(sent(5))), 0, 0, NOON))


def test_while_the_text_asks_an_opt_out_is_of_the_account_at_once() -> None:
    decision = decided(reply(), who_was_sent(sent(5)), ASKS)
    assert isinstance(decision, OptOut)
    assert decision.changed == ("list:5", "account")
    assert decision.policy == "asks_scope:US"


def test_the_offered_word_narrows_it_to_the_list() -> None:
    left = asked()
    answer = reply(" List! ", occurred_at=LATER)
    decision = decided(answer, left, ASKS)
    assert isinstance(decision, OptIn)
    assert decision.changed == ("account",)
    entry = entry_of(answer, decision, 0, 1, LATER)
    assert (entry.reason, entry.term, entry.times) == ("narrowed", "list", (None, None))
    assert entry.message_id == confirmation_id(left.suppressions["account"].cause_event_id or uuid4())
    (event,) = (decode(opt_out_event_adapter, record.value) for record in opt_out_records(entry))
    assert (event.type, event.scope, getattr(event, "source", None)) == ("opted_in", "account", "narrowed")
    now = apply(decision, answer, left)
    assert now.is_suppressed("list:5")
    assert not now.is_suppressed("account")


STOP_AGAIN = reply(occurred_at=NOON + timedelta(minutes=1))
BY_API, BY_IMPORT = (
    OptOutRequested(
        event_id=uuid4(), occurred_at=NOON + timedelta(minutes=1), account_id="demo", phone=PHONE, scopes=("account",),
        by="ada", source=source,
    )
    for source in ("api", "import")
)  # fmt: skip


@pytest.mark.parametrize(
    ("between", "answer"),
    [
        ((), reply("list please", occurred_at=LATER)),
        ((), reply("yes", occurred_at=LATER)),
        ((), reply("STOP", occurred_at=LATER)),
        ((), reply("LIST", occurred_at=LATER, sender_number=OTHER_NUMBER)),
        ((), reply("LIST", occurred_at=LATER, sender_number=None)),
        ((), reply("LIST", occurred_at=LATER, part="1/2 of 7")),
        ((), reply("LIST", occurred_at=LATER, replied_message_id="m-5-1")),
        ((), reply("LIST", occurred_at=LATER, sent_at=NOON - timedelta(minutes=1))),
        ((), reply("LIST", occurred_at=NOON + NARROWING_WINDOW + timedelta(seconds=1))),
        ((STOP_AGAIN,), reply("LIST", occurred_at=LATER)),
        ((BY_API,), reply("LIST", occurred_at=LATER)),
        ((BY_IMPORT,), reply("LIST", occurred_at=LATER)),
        ((reply("wrong number", occurred_at=NOON + timedelta(minutes=1)),), reply("LIST", occurred_at=LATER)),
    ],
    ids=[
        "other words", "yes", "stop", "to another number", "to no number", "a part", "to another message", "older",
        "too late", "a STOP in between", "an opt-out by API in between",
        "an import of the account in between", "a held reply in between",
    ],
)  # fmt: skip
def test_anything_else_keeps_all(between: tuple[Any, ...], answer: MessageReceived) -> None:
    left = asked(*between, answer)
    assert left.is_suppressed("account")
    assert left.is_suppressed("list:5")


def test_the_word_narrows_nothing_before_anybody_was_asked() -> None:
    assert after(who_was_sent(sent(5)), reply(), reply("LIST", occurred_at=LATER)).is_suppressed("account")


@pytest.mark.parametrize("again", ["STOP", "wrong number"])
def test_a_stop_in_between_keeps_all_although_the_account_asks_no_more(again: str) -> None:
    stopped = after(asked(), reply(again, occurred_at=NOON + timedelta(minutes=1)), settings=(PLAIN,))
    assert after(stopped, reply("LIST", occurred_at=LATER)).is_suppressed("account")


def test_a_question_to_another_number_or_of_yesterday_widens_no_opt_out() -> None:
    late = NOON + NARROWING_WINDOW + timedelta(seconds=1)
    for stop in (reply(occurred_at=late), reply(occurred_at=LATER, sender_number=OTHER_NUMBER)):
        decision = decided(stop, asked(), PLAIN)
        assert isinstance(decision, OptOut)
        assert decision.policy is None


def test_an_account_that_was_left_before_is_not_narrowed() -> None:
    left = after(opted_out_of("account"), reply(), reply("LIST", occurred_at=LATER))
    assert left.is_suppressed("account")


def test_a_confirmation_that_was_never_sent_asks_nothing() -> None:
    left = asked()
    unsent = replace(left, sent=[replace(m, outcome="failed") if m.confirms else m for m in left.sent])
    assert after(unsent, reply("LIST", occurred_at=LATER)).is_suppressed("account")


def test_a_rule_that_matches_the_word_now_comes_before_the_question() -> None:
    rule = Rule(name="list", action="OPT_OUT", match_type="exact", terms=("list",))
    left = asked()
    decision = decided(reply("LIST", occurred_at=LATER), left, ASKS, rules=RuleSet([VersionedRule(1, 1, rule)]))
    assert isinstance(decision, OptOut)


def test_the_state_that_is_saved_has_the_question_and_a_stop_in_the_same_batch_ends_it() -> None:
    stop = reply()
    first = entry_of(stop, decided(stop, who_was_sent(sent(5)), ASKS), 0, 0, NOON)
    saved = states_left([first])
    assert saved["demo", "account", PHONE].question == ScopeQuestion("list", NOON + NARROWING_WINDOW)
    assert saved["demo", "list:5", PHONE].question is None
    again = entry_of(STOP_AGAIN, decided(STOP_AGAIN, after(who_was_sent(sent(5)), stop), ASKS), 0, 1, NOON)
    assert states_left([first, again])["demo", "account", PHONE].question is None
