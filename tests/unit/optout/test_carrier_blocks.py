"""A carrier's own block suppresses its numbers, and only a START through that carrier to one of them ends it."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from recipients import NOON, NUMBER, OTHER_NUMBER, PHONE, RULES, reply, sent, who_was_sent

from services.optout.decide import OptIn, Unchanged, decide
from services.optout.decision_log.entry import entry_of
from services.optout.decision_log.write import states_left
from services.optout.pipeline.records import opt_out_records, suppression_records
from services.optout.recipient import Recipient, Suppression
from services.optout.recipient_after import apply
from services.optout.requests import Requested
from shared.events.codec import decode
from shared.events.inbound import CarrierBlocked, OptInRequested, OptOutRequested
from shared.events.opt_out import OptedOut, opt_out_event_adapter

SCOPE, OTHER_SCOPE = f"sender:{NUMBER}", f"sender:{OTHER_NUMBER}"
LATER = NOON + timedelta(hours=1)


def block(*sender_numbers: str, gateway: str = "twilio", **fields: Any) -> CarrierBlocked:
    return CarrierBlocked.model_validate(
        {
            "event_id": uuid4(),
            "occurred_at": NOON,
            "account_id": "demo",
            "gateway": gateway,
            "phone": PHONE,
            "sender_numbers": sender_numbers,
            "code": "21610",
            "reason": "unsubscribed recipient",
            **fields,
        }
    )


def after(recipient: Recipient, *events: Any) -> Recipient:
    for event in events:
        recipient = apply(decide(event, recipient, RULES), event, recipient)
    return recipient


def states(recipient: Recipient) -> dict[str, str]:
    return {scope: each.state for scope, each in recipient.suppressions.items()}


def start(number: str = NUMBER, gateway: str = "twilio") -> Any:
    return reply("START", sender_number=number, gateway=gateway, occurred_at=LATER)


def test_a_block_suppresses_the_numbers_that_it_covers_and_nothing_else() -> None:
    recipient = after(who_was_sent(sent(1)), block(NUMBER, OTHER_NUMBER))
    assert states(recipient) == {SCOPE: "opted_out", OTHER_SCOPE: "opted_out"}
    assert states(after(recipient, block(NUMBER))) == states(recipient)


def test_without_a_number_it_is_that_of_the_refused_message_else_all_that_sent_to_the_phone() -> None:
    messages = sent(1, carrier_message_id="SM1"), sent(2, number=OTHER_NUMBER)
    recipient = who_was_sent(*messages)
    assert states(after(recipient, block(carrier_message_id="SM1"))) == {SCOPE: "opted_out"}
    assert states(after(recipient, block(message_id=messages[1].message_id))) == {OTHER_SCOPE: "opted_out"}
    assert states(after(recipient, block(carrier_message_id="SM9"))).keys() == {SCOPE, OTHER_SCOPE}
    decision = decide(block(carrier_message_id="SM9"), Recipient(), RULES)
    assert isinstance(decision, Requested)
    assert (decision.reason, decision.changed) == ("no_sender_number", ())


def test_a_start_through_the_carrier_to_a_number_that_it_blocks_ends_the_whole_block() -> None:
    blocked = after(Recipient(), block(NUMBER), block(NUMBER, OTHER_NUMBER))
    assert states(after(blocked, start())) == {SCOPE: "opted_in", OTHER_SCOPE: "opted_in"}


def test_no_other_opt_in_ends_it() -> None:
    blocked = after(Recipient(), block(NUMBER))
    by_api = OptInRequested(
        event_id=uuid4(), occurred_at=LATER, account_id="demo", phone=PHONE, scopes=(SCOPE,), by="ada",
        source="web_form", statement="Yes",
    )  # fmt: skip
    refused = decide(by_api, blocked, RULES)
    assert isinstance(refused, Requested)
    assert (refused.reason, refused.changed) == ("blocked_by_carrier", ())
    for event in (by_api, start(OTHER_NUMBER), start(gateway="telnyx"), reply("YES", gateway="twilio")):
        assert states(after(blocked, event)) == {SCOPE: "opted_out"}, event
        assert isinstance(decide(event, blocked, RULES), Unchanged | Requested)


def test_a_start_of_the_second_in_which_the_block_was_reported_ends_it_and_an_older_one_does_not() -> None:
    blocked = after(Recipient(), block(NUMBER, occurred_at=NOON + timedelta(milliseconds=900)))
    in_time = reply("START", gateway="twilio", sent_at=NOON, occurred_at=LATER)
    assert states(after(blocked, in_time)) == {SCOPE: "opted_in"}
    older = reply("START", gateway="twilio", sent_at=NOON - timedelta(seconds=1), occurred_at=LATER)
    assert states(after(blocked, older)) == {SCOPE: "opted_out"}


def test_a_block_that_was_reported_before_the_start_does_not_come_back_after_it() -> None:
    came_back = after(Recipient(), block(NUMBER), start())
    late = block(NUMBER, OTHER_NUMBER, occurred_at=LATER - timedelta(minutes=1), reason="in other words")
    assert states(after(came_back, late)) == {SCOPE: "opted_in", OTHER_SCOPE: "opted_out"}
    decision = decide(block(NUMBER), came_back, RULES)
    assert isinstance(decision, Requested)
    assert (decision.reason, decision.changed) == ("older_than_opt_in", ())
    again = block(NUMBER, occurred_at=LATER + timedelta(minutes=1))
    assert states(after(came_back, again)) == {SCOPE: "opted_out"}


def test_an_opt_in_by_request_which_the_carrier_has_not_heard_keeps_no_block_out() -> None:
    by_api = OptInRequested(
        event_id=uuid4(), occurred_at=LATER, account_id="demo", phone=PHONE, scopes=(SCOPE,), by="ada",
        source="web_form", statement="Yes",
    )  # fmt: skip
    opted_out = reply("STOP", sender_number=NUMBER)
    stopped = Recipient().with_suppressions({SCOPE: Suppression(SCOPE, "opted_out", NUMBER, None, opted_out.event_id)})
    assert states(after(stopped, by_api, block(NUMBER))) == {SCOPE: "opted_out"}


def test_a_generic_carrier_is_answered_through_whichever_gateway() -> None:
    assert states(after(Recipient(), block(NUMBER, gateway="generic"), start())) == {SCOPE: "opted_in"}


def test_a_block_by_one_api_of_a_carrier_ends_with_a_start_through_the_other() -> None:
    blocked = after(Recipient(), block(NUMBER, gateway="vonage-sms"))
    assert states(after(blocked, start(gateway="vonage-messages"))) == {SCOPE: "opted_in"}


def test_a_start_without_a_time_ends_a_block_that_took_the_place_of_a_click_and_a_stop() -> None:
    click = OptOutRequested(
        event_id=uuid4(), occurred_at=NOON, account_id="demo", phone=PHONE, scopes=("list:1", SCOPE), by="opt-out link",
        source="link",
    )  # fmt: skip
    again = click.model_copy(update={"event_id": uuid4(), "source": "mail"})
    before = after(Recipient(), click, again)
    events, known = (click, again, block(NUMBER)), (Recipient(), before, before)
    entries = [entry_of(e, decide(e, r, RULES), 3, 7, LATER) for e, r in zip(events, known, strict=True)]
    assert states_left(entries)["demo", SCOPE, PHONE].sent_at is None
    assert states(after(before, block(NUMBER), start())) == {"list:1": "opted_out", SCOPE: "opted_in"}


def test_a_stop_and_its_carriers_block_end_with_the_same_start() -> None:
    recipient = after(who_was_sent(sent(1)), reply("STOP", gateway="twilio"), block(NUMBER))
    assert states(recipient) == {"list:1": "opted_out", SCOPE: "opted_out"}
    decision = decide(start(), recipient, RULES)
    assert isinstance(decision, OptIn)
    assert set(decision.changed) == {"list:1", SCOPE}


def test_a_block_takes_the_place_of_an_opt_out_of_the_number_which_an_opt_in_could_lift() -> None:
    recipient = after(Recipient(), block(NUMBER, gateway="telnyx"), block(NUMBER, gateway="twilio"))
    assert recipient.suppressions[SCOPE].gateway == "twilio"


def test_the_entry_says_which_carrier_in_its_words_and_leaves_the_state_that_is_decided_with() -> None:
    event = block(NUMBER, message_id="order-1")
    decision = decide(event, Recipient(), RULES)
    entry = entry_of(event, decision, 3, 7, LATER)
    assert (entry.kind, entry.by, entry.message_id, entry.sender_number) == ("opt_out", "twilio", "order-1", NUMBER)
    left = states_left([entry])["demo", SCOPE, PHONE]
    applied = apply(decision, event, Recipient()).suppressions[SCOPE]
    assert (left.source, left.gateway, left.untimed_at) == (applied.source, applied.gateway, applied.untimed_at)
    assert [record.key for record in suppression_records(entry)] == [f"demo|{SCOPE}|{PHONE}".encode()]
    (published,) = [decode(opt_out_event_adapter, record.value) for record in opt_out_records(entry)]
    assert isinstance(published, OptedOut)
    assert published.source == "carrier"


def listed(gateway: str, **fields: Any) -> CarrierBlocked:
    is_of_account = gateway == "clicksend"
    return block(NUMBER, gateway=gateway, opt_out_list="42", covers_account=is_of_account, code="on the list", **fields)


def test_an_entry_of_a_carriers_list_blocks_its_numbers_until_a_start_that_is_newer() -> None:
    for gateway in ("telnyx", "aws", "clicksend"):
        blocked = after(who_was_sent(sent(1)), listed(gateway))
        assert states(blocked) == {SCOPE: "opted_out"}
        came_back = after(blocked, start(gateway=gateway))
        assert states(came_back) == {SCOPE: "opted_in"}
        assert states(after(came_back, listed(gateway, occurred_at=NOON - timedelta(days=9)))) == {SCOPE: "opted_in"}
        again = listed(gateway, occurred_at=LATER + timedelta(days=1))
        assert states(after(came_back, again)) == {SCOPE: "opted_out"}


def test_an_entry_that_was_read_before_a_start_and_comes_after_it_blocks_nobody_who_came_back() -> None:
    came_back = after(who_was_sent(sent(1)), reply("STOP", gateway="aws"), start(gateway="aws"))
    assert states(came_back) == {"list:1": "opted_in"}  # no carrier's block was known
    assert states(after(came_back, listed("aws"))) == {"list:1": "opted_in"}
    again = listed("aws", occurred_at=LATER + timedelta(minutes=1))
    assert states(after(came_back, again)) == {"list:1": "opted_in", SCOPE: "opted_out"}
    elsewhere = after(who_was_sent(sent(1)), reply("STOP", gateway="aws"), start(OTHER_NUMBER, gateway="aws"))
    assert states(after(elsewhere, listed("aws")))[SCOPE] == "opted_out"


def test_clicksends_list_does_not_make_of_one_lists_opt_out_one_of_the_account() -> None:
    left_one = after(who_was_sent(sent(1)), reply("STOP", gateway="clicksend"))
    assert states(after(left_one, listed("clicksend"))) == {"list:1": "opted_out"}
    assert decide(listed("clicksend"), left_one, RULES) == Requested("opt_out", "already_opted_out")
    # A carrier that refuses the number is believed: nothing would arrive.
    for carrier in (listed("telnyx"), block(NUMBER, gateway="clicksend")):
        assert states(after(left_one, carrier)) == {"list:1": "opted_out", SCOPE: "opted_out"}


def test_what_another_carrier_blocks_is_not_what_clicksends_list_records() -> None:
    elsewhere = after(Recipient(), block(OTHER_NUMBER, gateway="twilio"))
    assert states(after(elsewhere, listed("clicksend"))) == {OTHER_SCOPE: "opted_out", SCOPE: "opted_out"}
    by_clicksend = after(Recipient(), block(OTHER_NUMBER, gateway="clicksend"))
    assert states(after(by_clicksend, listed("clicksend"))) == {OTHER_SCOPE: "opted_out"}


def test_on_clicksends_list_counts_again_who_left_it_after_coming_back() -> None:
    back = OptInRequested(
        event_id=uuid4(), occurred_at=LATER, account_id="demo", phone=PHONE, scopes=("list:1",), source="api",
        by="key", statement="I agree",
    )  # fmt: skip
    came_back = after(who_was_sent(sent(1)), reply("STOP", gateway="clicksend"), back)
    assert states(came_back) == {"list:1": "opted_in"}
    assert states(after(came_back, listed("clicksend"))) == {"list:1": "opted_in"}
    again = listed("clicksend", occurred_at=LATER + timedelta(days=1))
    assert states(after(came_back, again)) == {"list:1": "opted_in", SCOPE: "opted_out"}


def test_a_clean_up_is_not_an_opt_out_that_clicksends_list_repeats() -> None:
    cleaned = OptOutRequested(
        event_id=uuid4(),
        occurred_at=NOON,
        account_id="demo",
        phone=PHONE,
        scopes=("list:1",),
        source="clean_up",
        by="j",
    )
    assert states(after(Recipient(), cleaned, listed("clicksend"))) == {"list:1": "opted_out", SCOPE: "opted_out"}


def test_a_word_that_no_rule_knows_ends_the_block_where_the_carrier_took_it_as_start() -> None:
    blocked = after(who_was_sent(sent(1)), reply("STOP", gateway="twilio"), block(NUMBER))
    word = reply("WELCOME ME", sender_number=NUMBER, gateway="twilio", occurred_at=LATER)
    assert states(after(blocked, word)) == {"list:1": "opted_out", SCOPE: "opted_out"}
    started = word.model_copy(update={"is_start_at_carrier": True})
    assert states(after(blocked, started)) == {"list:1": "opted_out", SCOPE: "opted_in"}
    for other in ({"sender_number": OTHER_NUMBER}, {"gateway": "telnyx"}, {"part": "1/2 of 3"}):
        elsewhere = started.model_copy(update=other)
        assert states(after(blocked, elsewhere)) == {"list:1": "opted_out", SCOPE: "opted_out"}
    # What our rules take for a STOP is one.
    contradiction = reply("STOP", sender_number=NUMBER, gateway="twilio", occurred_at=LATER)
    contradiction = contradiction.model_copy(update={"is_start_at_carrier": True})
    assert states(after(blocked, contradiction))[SCOPE] == "opted_out"


def test_a_start_through_a_relay_ends_the_block_of_the_carrier_that_it_names() -> None:
    blocked = after(Recipient(), block(NUMBER, gateway="telnyx"))
    through_relay = start(gateway="generic")
    assert states(after(blocked, through_relay)) == {SCOPE: "opted_out"}
    for carrier, state in (("telnyx", "opted_in"), ("twilio", "opted_out"), ("nobody", "opted_out")):
        named = through_relay.model_copy(update={"carrier": carrier})
        assert states(after(blocked, named)) == {SCOPE: state}
