"""What an inbound message changes, for the person who wrote it and for nobody else."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from recipients import NOON, OTHER_NUMBER, RULES, reply, sent

from services.optout.decide import Held, OptIn, OptOut, Reviewed, Unchanged, decide
from services.optout.recipient import Recipient, Suppression
from services.optout.recipient_after import apply
from services.optout.rules import Rule, RuleSet, VersionedRule
from shared.events.inbound import MessageReceived, ReviewDecided


def recipient(*suppressions: Suppression, lists: tuple[int, ...] = (1,)) -> Recipient:
    return Recipient({s.scope: s for s in suppressions}, [sent(list_id, n + 1) for n, list_id in enumerate(lists)])


def opted_out(scope: str, number: str = "+18335550123", minutes_ago: int | None = None) -> Suppression:
    at = None if minutes_ago is None else NOON - timedelta(minutes=minutes_ago)
    return Suppression(scope, "opted_out", number, at)


@pytest.mark.parametrize(
    "body",
    ["STOP", "stop", " Stop. ", "S\u200bTOP", "STOP!!!", "\uff33\uff34\uff2f\uff30", "stop please", "Stop\nthanks"],
)
def test_the_stop_rule_hears_stop_in_whatever_dress(body: str) -> None:
    decision = decide(reply(body), recipient(), RULES)
    assert isinstance(decision, OptOut)
    assert decision.changed == ("list:1",)


@pytest.mark.parametrize("body", ["stopping by", "don't stop", "nonstop", "", "😀😀", "\x00", "Thanks!", "bus stop"])
def test_other_words_change_nothing(body: str) -> None:
    assert decide(reply(body), recipient(), RULES) == Unchanged("no_rule")


def test_an_opt_out_changes_the_attributed_list_and_no_other() -> None:
    before = recipient(lists=(1, 2))
    decision = decide(reply(), before, RULES)
    assert set(apply(decision, reply(), before).suppressions) == {"list:1"}


def test_where_no_list_is_known_the_account_is_opted_out() -> None:
    decision = decide(reply(), Recipient(), RULES)
    assert isinstance(decision, OptOut)
    assert decision.changed == ("account",)


def test_a_second_stop_changes_nothing_and_is_on_record() -> None:
    decision = decide(reply(), recipient(opted_out("list:1")), RULES)
    assert isinstance(decision, OptOut)
    assert (decision.changed, decision.asked_again) == ((), ("list:1",))


def test_start_withdraws_the_opt_outs_made_by_writing_to_the_same_number() -> None:
    before = recipient(opted_out("list:1"), opted_out("list:2", OTHER_NUMBER), opted_out("list:3"), lists=(9,))
    decision = decide(reply("START"), before, RULES)
    assert isinstance(decision, OptIn)
    assert set(decision.changed) == {"list:1", "list:3"}


def test_start_as_an_answer_to_a_lists_message_withdraws_that_lists_opt_out_only() -> None:
    before = recipient(opted_out("list:1"), opted_out("list:2"), lists=(1, 2))
    decision = decide(reply("start", replied_message_id=before.sent[1].message_id), before, RULES)
    assert isinstance(decision, OptIn)
    assert decision.changed == ("list:2",)


def test_start_withdraws_an_opt_out_of_the_account_that_was_made_by_writing_to_the_same_number() -> None:
    decision = decide(reply("START"), Recipient({"account": opted_out("account")}), RULES)
    assert isinstance(decision, OptIn)
    assert decision.changed == ("account",)
    elsewhere = decide(reply("START"), Recipient({"account": opted_out("account", OTHER_NUMBER)}), RULES)
    assert isinstance(elsewhere, Unchanged)
    assert elsewhere.reason == "not_opted_out"


def test_start_from_somebody_who_never_left_changes_nothing() -> None:
    decision = decide(reply("START"), recipient(), RULES)
    assert isinstance(decision, Unchanged)
    assert decision.reason == "not_opted_out"


def test_a_start_that_was_written_before_the_stop_and_arrives_after_it_brings_nobody_back() -> None:
    before = recipient(opted_out("list:1", minutes_ago=5))
    late = decide(reply("START", sent_at=NOON - timedelta(minutes=6)), before, RULES)
    assert isinstance(late, Unchanged)
    assert late.reason == "older_than_opt_out"
    assert isinstance(decide(reply("START", sent_at=NOON), before, RULES), OptIn)


@pytest.mark.parametrize("scopes", [("account", "list:1"), ("list:1", "account")])
def test_a_start_withdraws_in_one_order_whatever_order_the_states_were_loaded_in(scopes: tuple[str, ...]) -> None:
    away = recipient(*map(opted_out, scopes))
    decision = decide(reply("START", replied_message_id=away.sent[0].message_id), away, RULES)
    assert isinstance(decision, OptIn)
    assert decision.changed == ("account", "list:1")


def test_after_a_start_a_stop_counts_again() -> None:
    start, stop = reply("START"), reply("STOP")
    back = apply(decide(start, recipient(opted_out("list:1")), RULES), start, recipient(opted_out("list:1")))
    decision = decide(stop, back, RULES)
    assert isinstance(decision, OptOut)
    assert decision.changed == ("list:1",)


def test_a_disabled_rule_and_a_rule_of_another_number_match_nothing() -> None:
    off = VersionedRule(1, 1, Rule(name="off", enabled=False, match_type="exact", terms=("bye",), action="OPT_OUT"))
    other = VersionedRule(
        2, 1, Rule(name="x", sender_number="12345", match_type="exact", terms=("bye",), action="OPT_OUT")
    )
    assert decide(reply("bye"), recipient(), RuleSet([off, other])) == Unchanged("no_rule")
    assert isinstance(decide(reply("bye", sender_number="12345"), recipient(), RuleSet([other])), OptOut)


def review(event: MessageReceived, decision: str, by: str = "ada") -> ReviewDecided:
    return ReviewDecided.model_validate(
        {
            "event_id": uuid4(),
            "occurred_at": NOON,
            "account_id": event.account_id,
            "phone": event.phone,
            "held_event_id": event.event_id,
            "decision": decision,
            "by": by,
        }
    )


def held_recipient() -> tuple[MessageReceived, Recipient]:
    """Return a reply that is held for a list, and who wrote it."""
    event = reply("not her, stop")
    decision = decide(event, recipient(), RULES)
    assert isinstance(decision, Held)
    return event, apply(decision, event, recipient())


def test_what_looks_like_an_opt_out_is_held_for_the_attributed_list() -> None:
    event, after = held_recipient()
    assert {scope: s.state for scope, s in after.suppressions.items()} == {"list:1": "held"}
    assert after.suppressions["list:1"].cause_event_id == event.event_id


def test_a_stop_makes_an_opt_out_of_what_was_held_and_nothing_holds_an_opt_out() -> None:
    _, after = held_recipient()
    decision = decide(reply("STOP"), after, RULES)
    assert isinstance(decision, OptOut)
    assert (decision.changed, decision.raised) == ((), ("list:1",))
    out = apply(decision, reply("STOP"), after)
    assert out.suppressions["list:1"].state == "opted_out"
    again = decide(reply("not her, stop"), out, RULES)
    assert isinstance(again, Held)
    assert again.changed == ()


@pytest.mark.parametrize(("said", "state"), [("confirm", "opted_out"), ("release", "opted_in")])
def test_a_review_decides_what_was_held_once(said: str, state: str) -> None:
    event, after = held_recipient()
    decision = decide(review(event, said), after, RULES)
    assert isinstance(decision, Reviewed)
    done = apply(decision, review(event, said), after)
    assert done.suppressions["list:1"].state == state
    assert decide(review(event, "release"), done, RULES) == Unchanged("not_held")


def test_a_release_does_not_withdraw_a_stop_that_came_meanwhile() -> None:
    event, after = held_recipient()
    out = apply(decide(reply("STOP"), after, RULES), reply("STOP"), after)
    assert decide(review(event, "release"), out, RULES) == Unchanged("not_held")


def test_a_start_brings_back_who_was_held() -> None:
    _, after = held_recipient()
    decision = decide(reply("START"), after, RULES)
    assert isinstance(decision, OptIn)
    assert decision.changed == ("list:1",)


def test_the_instruction_of_the_answered_message_makes_a_slip_certain() -> None:
    published = recipient()
    published = Recipient(
        published.suppressions, [replace(m, instruction="Reply STOP to opt out") for m in published.sent]
    )
    assert isinstance(decide(reply("not her, stop"), published, RULES), OptOut)
    assert isinstance(decide(reply("shop"), published, RULES), Held)
    assert decide(reply("shop"), recipient(), RULES) == Unchanged("no_rule")


def test_a_question_for_help_changes_nothing() -> None:
    decision = decide(reply("HELP"), recipient(), RULES)
    assert isinstance(decision, Unchanged)
    assert decision.reason == "help"


def test_opt_out_rules_come_before_opt_in_rules_whatever_their_order() -> None:
    both = [
        VersionedRule(1, 1, Rule(name="in", match_type="starts_with", terms=("go",), action="OPT_IN")),
        VersionedRule(2, 7, Rule(name="out", match_type="starts_with", terms=("go",), action="OPT_OUT")),
    ]
    decision = decide(reply("go"), recipient(), RuleSet(both))
    assert isinstance(decision, OptOut)
    assert (decision.match.rule, decision.match.version) == ("out", 7)
