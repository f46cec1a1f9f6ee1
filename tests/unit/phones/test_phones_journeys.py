"""A journey's milliseconds are those between the times that records and events have, in any order."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid5

import pytest

from harness.phones.board import Board
from harness.phones.cast import OWNERS, SENDER_NUMBER
from harness.phones.limits import (
    MAX_JOURNEYS,
    MAX_KNOWN_MESSAGES,
    MAX_KNOWN_POSTS,
    MAX_MESSAGES_PER_PHONE,
    MAX_NOTES,
)
from harness.phones.observed import Observed, microseconds
from shared.events.base import Event, format_time
from shared.events.delivery import MessageDispatching, MessageSuppressed
from shared.events.inbound import FenceMarkerAppended, LinkConfirmed, MessageReceived
from shared.events.opt_out import OptedOut
from shared.events.outbound import MessageRequested
from shared.events.suppression import SuppressionChanged, WatermarkAdvanced

ADA = OWNERS[0].phone
ZERO = datetime(2026, 11, 29, 12, tzinfo=UTC)
REPLY = UUID(int=1)
SALE = 7


def at(milliseconds: float) -> datetime:
    return ZERO + timedelta(milliseconds=milliseconds)


def us(milliseconds: float) -> int:
    return microseconds(at(milliseconds))


def record(event: Event, written: float, *, topic: str = "t", offset: int = 10, seen: float | None = None) -> Observed:
    return Observed(topic, 3, offset, us(written), us(written if seen is None else seen), event)


def reply(event_id: UUID = REPLY, gateway_id: str = "G1", words: str = "STOP") -> MessageReceived:
    return MessageReceived(
        event_id=event_id, occurred_at=at(4), account_id="demo", gateway="clicksend", phone=ADA, body=words,
        gateway_message_id=gateway_id,
    )  # fmt: skip


def opted_out() -> OptedOut:
    return OptedOut(
        event_id=UUID(int=2), occurred_at=at(9), account_id="demo", phone=ADA, scope=f"list:{SALE}", list_id=SALE,
        sender_number=SENDER_NUMBER, cause_event_id=REPLY, rule="stop", rule_version=1, attribution="replied_message",
    )  # fmt: skip


def suppression(state: str = "opted_out", changed: float = 9, cause: UUID = REPLY) -> SuppressionChanged:
    return SuppressionChanged.model_validate(
        {"account_id": "demo", "scope": f"list:{SALE}", "phone": ADA, "state": state, "cause_event_id": cause,
         "changed_at": at(changed)},
    )  # fmt: skip


def dropped() -> MessageSuppressed:
    return MessageSuppressed(
        event_id=UUID(int=3), occurred_at=at(131.5), account_id="demo", message_id="m2", list_id=SALE, phone=ADA,
        sender_number=SENDER_NUMBER, scope=f"list:{SALE}", state="opted_out", decision_started_at=at(120.4),
    )  # fmt: skip


def dispatched(began: float, message_id: str = "m3") -> MessageDispatching:
    return MessageDispatching(
        event_id=uuid5(REPLY, message_id), occurred_at=at(began + 5), account_id="demo", message_id=message_id,
        list_id=SALE, phone=ADA, sender_number=SENDER_NUMBER, decision_started_at=at(began),
    )  # fmt: skip


def requested() -> MessageRequested:
    return MessageRequested(
        account_id="demo", message_id="m2", list_id=SALE, phone=ADA, sender_number=SENDER_NUMBER, body="Sale"
    )


def webhook(status: int | None = 200, attempt: int = 1, started: float = 0.5) -> dict[str, Any]:
    return {
        "kind": "reply",
        "form": {"message_id": "G1", "from": ADA, "body": "STOP"},
        "started_at": format_time(at(started)),
        "answered_at": None if status is None else format_time(at(started + 6)),
        "status_code": status,
        "attempt": attempt,
    }


def new_board(now: list[float] | None = None) -> Board:
    clock = now or [10_000.0]
    board = Board("demo", lambda: us(clock[0]))
    board.show_lists({SALE: "Summer sale"}, {})
    return board


READ = (
    lambda board: board.take(record(reply(), 5)),
    lambda board: board.take_webhook(webhook()),
    lambda board: board.take(record(opted_out(), 15)),
    lambda board: board.take(record(suppression(), 15, seen=22.25)),
)


def of_next(board: Board) -> None:
    board.take(record(requested(), 118))
    board.take(record(FenceMarkerAppended(marker_id=REPLY), 119, offset=11))  # of an earlier decision
    board.take(record(FenceMarkerAppended(marker_id=REPLY), 121, offset=12))
    board.take(record(WatermarkAdvanced(next_offset=12), 124))
    board.take(record(WatermarkAdvanced(next_offset=13), 128))
    board.take(record(dropped(), 133))


def taken(board: Board) -> dict[str, float | None]:
    return {step["name"]: step["milliseconds"] for step in board.journeys.as_json()[0]["steps"]}


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_each_step_has_the_milliseconds_between_two_times_that_were_read(order: tuple[int, ...]) -> None:
    board = new_board()
    for each in order:
        READ[each](board)
    assert taken(board) == {
        "reply": 4.5,  # the gateway's POST to the record of the reply
        "rule": 4.0,  # the record of the reply (5) to the decision (9)
        "record": 6.0,  # to the record of the event (15)
        "suppression": 7.25,  # until it was read
        "fence": None,
        "outcome": None,
    }
    of_next(board)
    shown = board.journeys.as_json()[0]
    of_the_reply = [step["milliseconds"] for step in shown["steps"][:4]]
    assert sum(of_the_reply) == pytest.approx(shown["milliseconds"])
    assert taken(board)["fence"] == pytest.approx(128 - 120.4)
    assert taken(board)["outcome"] == pytest.approx(131.5 - 128)
    assert board.journeys.as_json()[0]["milliseconds"] == pytest.approx(22.25 - 0.5)


def test_a_time_that_nobody_measured_is_not_shown() -> None:
    board = new_board()
    for each in READ:
        each(board)
    board.take(record(dropped(), 133))  # without a marker or a watermark
    steps = {step["name"]: step for step in board.journeys.as_json()[0]["steps"]}
    assert steps["fence"]["milliseconds"] is None
    assert steps["outcome"]["milliseconds"] == pytest.approx(131.5 - 120.4)
    assert "the start of its decision" in steps["outcome"]["measured"]


def test_a_reply_that_took_the_gateway_several_attempts_counts_from_the_first() -> None:
    board = new_board()
    board.take_webhook(webhook(None, 1, 0.5))
    board.take_webhook(webhook(503, 2, 200))
    board.take_webhook(webhook(200, 3, 600))
    board.take(record(reply(), 604))
    assert taken(board)["reply"] == pytest.approx(604 - 0.5)
    assert "3 attempts" in board.journeys.as_json()[0]["steps"][0]["detail"]


def test_a_reply_from_which_nothing_follows_is_said_to_be_read_once_the_watermark_has_passed_it() -> None:
    now = [100.0]
    board = new_board(now)
    board.take(record(reply(words="Stop by tomorrow?"), 5, offset=10))
    board.take(record(WatermarkAdvanced(next_offset=10), 50))
    now[0] = 5_000
    board.tick()
    assert board.journeys.as_json()[0]["effect"] is None
    board.take(record(WatermarkAdvanced(next_offset=11), 5_010))
    board.tick()
    assert board.journeys.as_json()[0]["effect"] is None  # its event may be read yet
    now[0] = 6_000
    board.tick()
    assert board.journeys.as_json()[0]["effect"] == "nothing"
    assert taken(board) == {"reply": None, "rule": 5_005.0}


def test_a_click_is_a_journey_once_it_is_known_whose_it_is() -> None:
    board = new_board()
    board.take(record(LinkConfirmed(event_id=REPLY, occurred_at=at(4), token="a" * 11), 5))
    assert board.journeys.as_json() == []
    board.take(record(opted_out(), 15))
    (journey,) = board.journeys.as_json()
    assert (journey["phone"], journey["effect"]) == (ADA, "opted_out")
    assert journey["steps"][0]["title"] == "Click"
    assert journey["steps"][0]["milliseconds"] == 1.0  # the press (4) to its record (5)
    board.take(record(LinkConfirmed(event_id=REPLY, occurred_at=at(4), token="a" * 11), 90))  # again
    assert board.journeys.as_json() == [journey]


def test_a_click_that_is_read_after_its_effect_is_the_same_journey() -> None:
    board = new_board()
    board.take(record(opted_out(), 15))
    board.take(record(opted_out().model_copy(update={"scope": "account", "list_id": None}), 16))
    board.take(record(LinkConfirmed(event_id=REPLY, occurred_at=at(4), token="a" * 11), 5))
    (journey,) = board.journeys.as_json()
    assert (journey["effect"], taken(board)["reply"]) == ("opted_out", 1.0)


def test_the_clicks_of_others_displace_no_journey_and_are_not_kept_for_long() -> None:
    board = new_board()
    board.take(record(reply(), 5))
    for n in range(MAX_KNOWN_POSTS + 10):
        board.take(record(LinkConfirmed(event_id=UUID(int=1_000 + n), occurred_at=at(4), token="a" * 11), 5))
    assert [journey["words"] for journey in board.journeys.as_json()] == ["STOP"]
    assert len(board.journeys._clicks) == MAX_KNOWN_POSTS
    board.take(record(opted_out().model_copy(update={"cause_event_id": UUID(int=1_400), "phone": "+14165550999"}), 15))
    assert len(board.journeys.as_json()) == 1  # nor those of other people of the account


def test_the_same_reply_from_the_gateways_list_is_counted_and_shown_once() -> None:
    board = new_board()
    board.take(record(reply(), 5, offset=10))
    board.take(record(reply(), 2_000, offset=11))
    assert board.tally.replies == 1
    assert len(board.journeys.as_json()) == 1
    assert len(board.render(ADA)["bubbles"]) == 1


def test_a_message_on_a_decision_that_began_after_a_stop_was_accepted_is_counted() -> None:
    board = new_board()
    for each in READ:
        each(board)
    board.take(record(dispatched(6.0), 11))  # the webhook was answered at 6.5
    board.tick()
    assert board.tally.after_a_stop == 0
    board.take(record(dispatched(7.0, "m4"), 12))
    board.tick()
    assert board.tally.after_a_stop == 1


def test_a_message_that_was_sent_after_a_stop_stays_counted_however_many_follow() -> None:
    board = new_board()
    for each in READ:
        each(board)
    board.take(record(dispatched(7.0), 12))
    others = dispatched(1.0)
    for n in range(MAX_KNOWN_MESSAGES):
        board.tally.take_dispatch(others.model_copy(update={"message_id": f"other-{n}"}))
    board.tick()
    assert board.tally.after_a_stop == 1
    assert len(board.tally._dispatched) == MAX_KNOWN_MESSAGES


def test_a_message_after_an_opt_in_is_not_counted() -> None:
    board = new_board()
    for each in READ:
        each(board)
    board.take(record(dispatched(60.0), 65))
    board.tick()
    assert board.tally.after_a_stop == 1
    board.take(record(suppression("opted_in", 50, UUID(int=9)), 55))  # read only now
    board.tick()
    assert board.tally.after_a_stop == 0


def test_what_waits_and_what_is_undecided_is_counted_until_it_has_its_outcome() -> None:
    board = new_board()
    board.take(record(reply(), 5, offset=10))
    board.take(record(requested(), 6))
    assert (board.tally.undecided, board.tally.waiting) == (1, 1)
    board.take(record(WatermarkAdvanced(next_offset=11), 50))
    board.take(record(dropped(), 133))
    assert (board.tally.undecided, board.tally.waiting, board.tally.dropped) == (0, 0, 1)


def test_nothing_grows_without_a_limit() -> None:
    board = new_board()
    for n in range(200):
        board.take(record(reply(UUID(int=1_000 + n), f"G{n}"), 5 + n, offset=n))
        board.note("sent", f"{n}")
        other = f"+1905555{n:04d}"
        board.take(record(suppression(cause=UUID(int=n)).model_copy(update={"phone": other}), 5 + n))
    for n in range(MAX_KNOWN_MESSAGES + 10):
        board.tally.take_suppression(suppression().model_copy(update={"phone": f"+1604{n:07d}"}))
    assert len(board.tally._changes) == MAX_KNOWN_MESSAGES
    assert not board._states
    assert len(board.journeys.as_json()) == MAX_JOURNEYS
    assert len(board.render(ADA)["bubbles"]) == MAX_MESSAGES_PER_PHONE
    assert len(board.render("notes")) == MAX_NOTES


def test_what_another_account_or_phone_does_is_not_shown() -> None:
    board = new_board()
    board.take(record(reply().model_copy(update={"account_id": "other"}), 5))
    board.take(record(reply().model_copy(update={"phone": "+14165550999"}), 5))
    assert board.journeys.as_json() == []
