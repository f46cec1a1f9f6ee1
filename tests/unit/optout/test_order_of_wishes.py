"""Which of a STOP and a START was written later; where that cannot be known, the STOP holds."""

from datetime import timedelta
from typing import Any

import pytest
from recipients import NOON, RULES, reply

from services.optout.decide import Held, OptIn, OptOut, Unchanged, decide
from services.optout.recipient import Recipient
from services.optout.recipient_after import apply
from shared.events.inbound import MessageReceived

SECOND = timedelta(seconds=1)


def at(seconds: float | None, received: float, unusable: str | None = None) -> dict[str, Any]:
    """Return when a message was written by its gateway's clock, and when it was received, in seconds from noon."""
    sent_at = None if seconds is None else NOON + seconds * SECOND
    return {"sent_at": sent_at, "occurred_at": NOON + received * SECOND, "unusable_sent_at": unusable}


def listed(seconds: float, received: float) -> dict[str, Any]:
    """Return the same of a message that was read from the list of a gateway whose webhooks have no times."""
    return {"listed_sent_at": NOON + seconds * SECOND, "occurred_at": NOON + received * SECOND}


def after(*events: MessageReceived) -> Recipient:
    recipient = Recipient()
    for event in events:
        recipient = apply(decide(event, recipient, RULES), event, recipient)
    return recipient


def state(*events: MessageReceived) -> str:
    return after(*events).suppressions["account"].state


@pytest.mark.parametrize(
    ("stop", "start", "left"),
    [
        (at(10, 11), at(20, 21), "opted_in"),
        (at(10, 11), at(5, 21), "opted_out"),
        (at(10, 11), at(10, 21), "opted_out"),
        (at(10, 11), at(10.3, 21), "opted_out"),
        (at(10, 11), at(11, 21), "opted_in"),
        (at(10.2, 11), at(10.3, 21), "opted_in"),
        (at(10.2, 11), at(10, 21), "opted_out"),
        # The gateway never gives times: the order is that of arrival.
        (at(None, 11), at(None, 21), "opted_in"),
        # It gives the STOP one: who knows when the START was written.
        (at(10, 11), at(None, 21), "opted_out"),
        (at(10, 11), at(None, 86_400), "opted_out"),
        # It gives the STOP none: that was written before it was received.
        (at(None, 11), at(20, 21), "opted_in"),
        (at(None, 11), at(11, 21), "opted_out"),
        (at(None, 11), at(5, 21), "opted_out"),
        # A time that cannot be used.
        (at(10, 11), at(None, 21, "soon"), "opted_out"),
        (at(None, 11), at(None, 21, "soon"), "opted_out"),
        (at(None, 11, "soon"), at(None, 21, "soon"), "opted_out"),
        (at(None, 11, "soon"), at(None, 21), "opted_out"),
        (at(None, 11, "soon"), at(20, 21), "opted_in"),
        (at(None, 11, "soon"), at(5, 21), "opted_out"),
        # One of them, or both, was read late from the gateway's list.
        (at(None, 300), listed(0, 600), "opted_out"),
        (at(None, 300), listed(299, 600), "opted_out"),
        (at(None, 300), listed(301, 600), "opted_in"),
        (listed(0, 600), listed(300, 600), "opted_in"),
        (listed(300, 600), listed(0, 600), "opted_out"),
        (listed(300, 600), listed(300, 600), "opted_out"),
        (listed(0, 600), at(None, 900), "opted_in"),
        # With a time that cannot be: it counts as one without.
        (listed(9_999, 600), at(None, 900), "opted_in"),
        (at(None, 300), {**listed(9_999, 200)}, "opted_in"),
        # A gateway with times in its webhooks lists the same ones.
        (at(10, 11), listed(20, 21), "opted_in"),
        (at(10, 11), listed(5, 21), "opted_out"),
    ],
)
def test_a_start_counts_where_it_was_surely_written_later(stop: Any, start: Any, left: str) -> None:
    assert state(reply("STOP", **stop), reply("START", **start)) == left


@pytest.mark.parametrize("wrong", [9999, 2027, 2000, 1])
def test_on_kafka_too_a_time_that_cannot_be_is_none(wrong: int) -> None:
    moment = NOON.replace(year=wrong)
    assert state(reply("STOP", **at(10, 11)), reply("START", sent_at=moment, occurred_at=NOON + 21 * SECOND)) == (
        "opted_out"
    )
    assert state(reply("STOP", sent_at=moment, occurred_at=NOON), reply("START", **at(20, 21))) == "opted_in"


def test_what_cannot_be_ordered_is_recorded_as_such() -> None:
    decision = decide(reply("START", **at(10, 21)), after(reply("STOP", **at(10, 11))), RULES)
    assert isinstance(decision, Unchanged)
    assert decision.reason == "order_unknown"


@pytest.mark.parametrize(
    "stops",
    [
        [("STOP", at(10, 11)), ("STOP", at(5, 12))],
        [("STOP", at(5, 11)), ("STOP", at(10, 12))],
        [("STOP", at(5, 6)), ("STOP", at(None, 12))],
        [("STOP", at(None, 12)), ("STOP", at(5, 13))],
        [("STOP", at(5, 11)), ("not her, stop", at(10, 12))],
        [("not her, stop", at(10, 11)), ("STOP", at(5, 12))],
        [("not her, stop", at(5, 11)), ("not her, stop", at(10, 12))],
    ],
)
def test_the_newest_of_several_counts_in_whatever_order_they_arrive(stops: list[tuple[str, Any]]) -> None:
    away = after(*(reply(body, **when) for body, when in stops))
    assert isinstance(decide(reply("START", **at(8, 21)), away, RULES), Unchanged)
    assert isinstance(decide(reply("START", **at(20, 21)), away, RULES), OptIn)


def test_what_is_held_does_not_change_through_which_number_somebody_left() -> None:
    away = after(reply("STOP"), reply("not her, stop", sender_number="+18335550999"))
    assert away.suppressions["account"].sender_number == "+18335550123"
    assert isinstance(decide(reply("not her, stop"), away, RULES), Held)
    assert isinstance(decide(reply("STOP"), away, RULES), OptOut)


def test_a_part_of_a_long_text_opts_out_and_never_in() -> None:
    part = {"part": "2/3 of 173"}
    assert state(reply("STOP", **at(10, 11), **part), reply("START", **at(20, 21), **part)) == "opted_out"
    assert state(reply("STOP", **at(10, 11), **part), reply("START", **at(20, 21))) == "opted_in"
