"""The scopes that the checker accepts for a reply, by what was sent to the phone before it."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from checker.simulator import START_OF_TIME, Simulator
from harness.checker.attribution import AnnouncedMessage, announced_messages, possible_scopes
from shared.events.inbound import MessageReceived

NUMBER, OTHER_NUMBER = "+18335550101", "+18335550102"
RECORDED, DECIDED = 10, 20
"""When the reply was recorded and when it was decided, in seconds."""


def at(second: int) -> datetime:
    return START_OF_TIME + timedelta(seconds=second)


def message(list_id: int, announced: int, *, number: str = NUMBER, may_have_arrived: bool = True) -> AnnouncedMessage:
    return AnnouncedMessage(f"m{list_id}", f"list:{list_id}", number, at(announced), may_have_arrived)


def scopes(*messages: AnnouncedMessage, replied: str | None = None, sent_at: int | None = None) -> set[str]:
    reply = MessageReceived(
        event_id=UUID(int=1),
        occurred_at=at(RECORDED),
        account_id="acme",
        gateway="clicksend",
        phone="+14155550100",
        sender_number=NUMBER,
        body="STOP",
        replied_message_id=replied,
        sent_at=None if sent_at is None else at(sent_at),
    )
    return set(possible_scopes(reply, at(RECORDED), at(DECIDED), messages).possible)


@pytest.mark.parametrize("replied", ["m1", "m2"])
def test_a_reply_to_a_message_is_about_its_list_alone(replied: str) -> None:
    assert scopes(message(1, 0), message(2, 0), replied=replied) == {f"list:{replied[1]}"}


def test_a_reply_to_no_known_message_is_about_any_list_that_sent_from_the_number() -> None:
    sent = message(1, 0), message(2, 0), message(3, 0, number=OTHER_NUMBER)
    assert scopes(*sent) == scopes(*sent, replied="m9") == {"list:1", "list:2"}


def test_a_reply_before_any_message_is_about_the_account() -> None:
    assert scopes() == {"account"}


def test_a_message_announced_after_the_decision_is_not_what_the_reply_is_about() -> None:
    assert scopes(message(1, 0), message(2, DECIDED + 1)) == {"list:1"}


def test_where_no_message_certainly_came_before_the_reply_the_account_is_right_too() -> None:
    assert scopes(message(1, RECORDED + 1)) == {"list:1", "account"}
    assert scopes(message(1, 0, may_have_arrived=False)) == {"list:1", "account"}


def test_a_reply_was_written_at_the_gateways_time_and_before_it_was_recorded() -> None:
    assert scopes(message(1, 5), sent_at=4) == {"list:1", "account"}
    assert scopes(message(1, 5), sent_at=5) == {"list:1"}
    assert scopes(message(1, RECORDED + 1), sent_at=RECORDED + 2) == {"list:1", "account"}


def test_a_message_that_was_dropped_after_its_announcement_may_not_have_arrived() -> None:
    run = Simulator()
    run.send(0, 1)
    run.send(0, 2)
    run.drop_last()
    announced = [each for messages in announced_messages(run.history()).values() for each in messages]
    assert [each.may_have_arrived for each in announced] == [True, False]
