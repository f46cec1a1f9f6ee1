"""Who may not be messaged gets no answer (G6), and nobody gets two at once."""

from dataclasses import replace
from datetime import timedelta

import pytest
from recipients import NOON, RULES, WINDOW, reply, sent

from services.optout.decide import Unchanged, decide
from services.optout.follow_ups import AUTO_REPLY_AGAIN_AFTER, FollowUp, auto_reply_id
from services.optout.recipient import Recipient, SentMessage, Suppression
from services.optout.recipient_after import apply
from services.optout.rules import Rule, RuleSet, VersionedRule
from shared.events.suppression import SuppressionState

ANSWERING = RuleSet(
    [
        VersionedRule(1, 1, Rule(name="Hours", match_type="any", action="AUTO_REPLY", action_address="Until six")),
        VersionedRule(2, 1, Rule(name="Also", match_type="any", action="AUTO_REPLY", action_address="Hello")),
        VersionedRule(3, 1, Rule(name="Call", match_type="any", action="URL", action_address="https://example.com/x")),
    ]
)


def follow_ups_of(recipient: Recipient) -> tuple[FollowUp, ...]:
    decision = decide(reply("Are you open?"), recipient, ANSWERING)
    assert isinstance(decision, Unchanged)
    return decision.follow_ups


def who_was_sent(*messages: SentMessage, suppressions: tuple[Suppression, ...] = ()) -> Recipient:
    return Recipient({s.scope: s for s in suppressions}, messages, NOON - WINDOW)


def test_the_first_reply_and_every_call_follow_a_question() -> None:
    assert [each.rule for each in follow_ups_of(who_was_sent(sent(1)))] == ["Hours", "Call"]


@pytest.mark.parametrize("scope", ["list:1", "account"])
@pytest.mark.parametrize("state", ["opted_out", "held"])
def test_nothing_follows_for_who_may_not_be_messaged(scope: str, state: SuppressionState) -> None:
    away = Suppression(scope, state, None, None)
    assert follow_ups_of(who_was_sent(sent(1), suppressions=(away,))) == ()
    assert follow_ups_of(who_was_sent(sent(1), suppressions=(replace(away, state="opted_in"),))) != ()


def test_nobody_is_replied_to_again_so_soon() -> None:
    asking, recipient = reply("Are you open?"), who_was_sent(sent(1))
    after = apply(decide(asking, recipient, ANSWERING), asking, recipient)
    assert after.sent[0].message_id == auto_reply_id(asking.event_id)
    assert [each.rule for each in follow_ups_of(after)] == ["Call"]
    old = replace(after.sent[0], dispatched_at=NOON - AUTO_REPLY_AGAIN_AFTER - timedelta(seconds=1))
    assert [each.rule for each in follow_ups_of(who_was_sent(old, sent(1)))] == ["Hours", "Call"]


def test_without_one_list_there_is_nobody_to_reply_as() -> None:
    assert [each.rule for each in follow_ups_of(Recipient())] == ["Call"]
    assert RULES.match("Are you open?").follow_ups == ()
