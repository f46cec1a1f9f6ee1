"""What an opt-in withdraws: what it answers, and nothing else."""

from dataclasses import replace

import pytest
from recipients import NUMBER, OTHER_NUMBER, RULES, reply, sent

from services.optout.decide import Decision, OptIn, Unchanged, decide
from services.optout.recipient import Recipient, SentMessage, Suppression
from services.optout.rules import Rule, RuleSet, VersionedRule
from shared.events.suppression import SuppressionState

ASKS = "Reply YES to subscribe to B"
OFFERS = "Sale today. Reply STOP to opt out"


def left(scope: str, number: str | None = NUMBER, state: SuppressionState = "opted_out") -> Suppression:
    return Suppression(scope, state, number, None)


def who(*suppressions: Suppression, messages: tuple[SentMessage, ...] = ()) -> Recipient:
    newest_first = sorted(messages, key=lambda message: message.dispatched_at, reverse=True)
    return Recipient({s.scope: s for s in suppressions}, newest_first)


def message(list_id: int, says: str | None = None, *, minutes_ago: float = 1, number: str = NUMBER) -> SentMessage:
    return replace(sent(list_id, minutes_ago, number=number), instruction=says)


def withdrawn(decision: Decision) -> tuple[str, ...]:
    assert isinstance(decision, OptIn | Unchanged)
    return decision.changed if isinstance(decision, OptIn) else ()


@pytest.mark.parametrize("pointed", [True, False])
@pytest.mark.parametrize("body", ["YES", "yes please", "y", "Subscribe", "opt in"])
def test_a_word_that_opts_in_to_what_asked_lifts_nothing_else(body: str, *, pointed: bool) -> None:
    asking = message(2, ASKS)
    recipient = who(
        left("list:1"), left("list:3"), left("account"), messages=(message(1, OFFERS, minutes_ago=9), asking)
    )
    event = reply(body, replied_message_id=asking.message_id if pointed else None)
    decision = decide(event, recipient, RULES)
    assert isinstance(decision, Unchanged)
    assert (decision.reason, decision.match and decision.match.kind) == ("not_opted_out", "opt_in")
    assert decision.attribution is not None
    assert decision.attribution.message_id == asking.message_id, "evidence: which message it answers"
    back = decide(event, who(left("list:1"), left("list:2", OTHER_NUMBER), messages=tuple(recipient.sent)), RULES)
    assert withdrawn(back) == ("list:2",), "even where the list was left through another number"


def test_yes_answers_the_message_that_it_quotes() -> None:
    recipient = who(left("list:1"), messages=(message(2, ASKS, minutes_ago=9), message(1, OFFERS)))
    assert withdrawn(decide(reply("YES", replied_body=ASKS), recipient, RULES)) == ()


def test_yes_does_not_answer_a_question_that_another_message_asked_before() -> None:
    recipient = who(left("list:1"), messages=(message(1, ASKS, minutes_ago=9), message(1)))
    assert withdrawn(decide(reply("YES"), recipient, RULES)) == ()


def test_an_answer_that_may_be_to_several_lists_lifts_none() -> None:
    unknown = replace(message(2), outcome="unknown")
    recipient = who(left("list:1"), left("list:2"), messages=(message(1, minutes_ago=9), unknown))
    assert withdrawn(decide(reply("subscribe"), recipient, RULES)) == ()


def test_an_accounts_own_word_opts_in_to_what_asked() -> None:
    rules = RuleSet([VersionedRule(1, 1, Rule(name="join", match_type="exact", terms=("join",), action="OPT_IN"))])
    recipient = who(left("list:1"), left("list:2"), messages=(message(2, "Text JOIN to subscribe"),))
    assert withdrawn(decide(reply("Join"), recipient, rules)) == ("list:2",)


@pytest.mark.parametrize("body", ["START", "unstop", "Resume"])
@pytest.mark.parametrize(
    ("suppressed", "lifted"),
    [
        ((left("list:1"),), ("list:1",)),
        ((left("list:1"), left("list:2", OTHER_NUMBER)), ("list:1",)),
        ((left("account"),), ("account",)),
        ((left("account", OTHER_NUMBER),), ()),
        ((left("account", OTHER_NUMBER), left("list:1")), ("list:1",)),
        ((left("list:1", None),), ()),
        ((left("list:1", state="held"),), ("list:1",)),
        ((left("list:1", OTHER_NUMBER, "held"),), ()),
    ],
)
def test_a_way_back_lifts_what_was_stopped_by_writing_to_its_number(
    body: str, suppressed: tuple[Suppression, ...], lifted: tuple[str, ...]
) -> None:
    assert withdrawn(decide(reply(body), who(*suppressed, messages=(message(9),)), RULES)) == lifted


@pytest.mark.parametrize(
    ("pointed", "lifted"),
    [(1, ("account", "list:1")), (2, ("account", "list:1", "list:3")), (3, ("account", "list:3"))],
)
def test_a_way_back_that_points_at_a_list_that_was_left_is_about_that_list(
    pointed: int, lifted: tuple[str, ...]
) -> None:
    """One that points at a list that was not left is about the number, as without a pointer."""
    messages = tuple(message(list_id, minutes_ago=list_id) for list_id in (1, 2, 3))
    recipient = who(left("list:1"), left("list:3"), left("account"), messages=messages)
    event = reply("START", replied_message_id=messages[pointed - 1].message_id)
    assert withdrawn(decide(event, recipient, RULES)) == lifted


def test_a_start_that_a_message_asked_for_opts_in_to_its_list_only() -> None:
    asking = message(2, "Reply START to subscribe to B")
    recipient = who(left("list:1"), left("list:2"), left("account"), messages=(asking,))
    assert withdrawn(decide(reply("START", replied_message_id=asking.message_id), recipient, RULES)) == ("list:2",)
    assert withdrawn(decide(reply("UNSTOP"), recipient, RULES)) == ("account", "list:1", "list:2")


def test_a_start_does_not_answer_a_message_that_went_out_after_it() -> None:
    later = message(2, "Reply START to subscribe to B", minutes_ago=-10)
    recipient = who(left("list:1"), messages=(later,))
    assert withdrawn(decide(reply("START"), recipient, RULES)) == ("list:1",)


def test_writing_to_no_known_number_lifts_what_was_left_so_and_nothing_else() -> None:
    recipient = who(left("account", None), left("list:1"))
    assert withdrawn(decide(reply("START", sender_number=None), recipient, RULES)) == ("account",)
