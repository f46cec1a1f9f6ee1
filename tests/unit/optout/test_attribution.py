"""A reply is attributed to the lists that it can answer, and to no other (G5)."""

from datetime import timedelta

import pytest
from recipients import NOON, OTHER_NUMBER, reply, sent, who_was_sent

from services.optout.attribution import MAX_CONSIDERED, attribute
from services.optout.recipient import SentMessage


def test_the_gateways_pointer_to_our_message_comes_first() -> None:
    older, newer = sent(1, 10), sent(2, 1)
    found = attribute(reply(replied_message_id=older.message_id), who_was_sent(older, newer))
    assert (found.method, found.list_ids, found.message_id) == ("replied_message", (1,), older.message_id)


def test_the_carriers_id_points_as_well() -> None:
    older, newer = sent(1, 10, carrier_message_id="c-1"), sent(2, 1, carrier_message_id="c-2")
    assert attribute(reply(replied_carrier_message_id="c-1"), who_was_sent(older, newer)).list_ids == (1,)


def test_our_own_id_counts_before_the_carriers() -> None:
    one, two = sent(1, 10, carrier_message_id="c-1"), sent(2, 1, carrier_message_id="c-2")
    event = reply(replied_message_id=one.message_id, replied_carrier_message_id="c-2")
    assert attribute(event, who_was_sent(one, two)).list_ids == (1,)


def test_without_a_pointer_the_last_message_from_the_answered_number_is_meant() -> None:
    found = attribute(reply(), who_was_sent(sent(1, 10), sent(2, 5), sent(3, 1, number=OTHER_NUMBER)))
    assert (found.method, found.list_ids) == ("last_message", (2,))


def test_a_pointer_that_points_at_nothing_of_this_person_is_passed_over() -> None:
    found = attribute(reply(replied_message_id="somebody-elses"), who_was_sent(sent(1, 10), sent(2, 5)))
    assert (found.method, found.list_ids) == ("last_message", (2,))


def test_a_message_that_the_carrier_refused_was_not_answered() -> None:
    found = attribute(reply(), who_was_sent(sent(1, 10), sent(2, 5, "failed")))
    assert found.list_ids == (1,)


@pytest.mark.parametrize("outcome", ["unknown", "dispatching"])
def test_a_message_that_may_not_have_arrived_makes_several_lists_possible(outcome: str) -> None:
    found = attribute(reply(), who_was_sent(sent(1, 20), sent(2, 10), sent(3, 5, outcome)))  # type: ignore[arg-type]
    assert (found.method, found.list_ids) == ("possible_lists", (3, 2))


def test_a_late_webhook_is_attributed_to_what_had_been_sent_when_the_person_wrote() -> None:
    event = reply(sent_at=NOON - timedelta(minutes=7))
    assert attribute(event, who_was_sent(sent(1, 10), sent(2, 5))).list_ids == (1,)


def test_gateway_clocks_may_be_some_seconds_off() -> None:
    event = reply(sent_at=NOON - timedelta(minutes=5, seconds=3))
    assert attribute(event, who_was_sent(sent(1, 10), sent(2, 5))).list_ids == (2,)


def test_without_the_answered_number_every_list_that_sent_is_possible() -> None:
    event = reply(sender_number=None)
    found = attribute(event, who_was_sent(sent(1, 10), sent(2, 5, number=OTHER_NUMBER)))
    assert (found.method, set(found.list_ids)) == ("possible_lists", {1, 2})


@pytest.mark.parametrize("messages", [[], [sent(1, 5, number=OTHER_NUMBER)], [sent(1, 5, "failed")]])
def test_where_no_list_is_known_the_account_is_meant(messages: list[SentMessage]) -> None:
    found = attribute(reply(), who_was_sent(*messages))
    assert (found.method, found.list_ids) == ("account", ())


def test_what_was_sent_before_the_window_is_answered_only_where_the_gateway_points_at_it() -> None:
    old = sent(1, 31 * 24 * 60)
    assert attribute(reply(), who_was_sent(old)).method == "account"
    assert attribute(reply(replied_message_id=old.message_id), who_was_sent(old)).list_ids == (1,)


def test_a_reply_may_point_at_a_message_that_the_carrier_seemed_to_refuse() -> None:
    refused, newer = sent(1, 10, "failed"), sent(2, 5)
    assert attribute(reply(replied_message_id=refused.message_id), who_was_sent(refused, newer)).list_ids == (1,)


def test_where_more_messages_are_possible_than_are_loaded_the_account_is_meant() -> None:
    unknown = [sent(1, number + 1, "unknown") for number in range(MAX_CONSIDERED)]
    assert attribute(reply(), who_was_sent(*unknown)).method == "account"
    assert attribute(reply(), who_was_sent(*unknown[1:])).list_ids == (1,)
    certain = [sent(1, number + 1) for number in range(MAX_CONSIDERED)]
    assert attribute(reply(), who_was_sent(*certain)).method == "last_message"
    assert attribute(reply(sender_number=None), who_was_sent(*certain)).method == "account"
