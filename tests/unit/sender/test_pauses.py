"""Pauses that carriers ask for: of the carrier or of one sender number, longer where one follows on the other."""

from hypothesis import given
from hypothesis import strategies as st

from services.sender.carriers.carrier import Accepted, Called, Refused, Throttled, Unknown
from services.sender.carriers.responses import MAX_PAUSE_SECONDS
from services.sender.pauses import MAX_ENDED, Pauses
from shared.events.outbound import MessageRequested


def asked(account_id: str = "acme", number: str = "+18335550123") -> MessageRequested:
    return MessageRequested(
        account_id=account_id, message_id="m", list_id=7, phone="+14155550100", sender_number=number, body="Hi. STOP"
    )


def test_a_throttled_carrier_rests_and_others_do_not() -> None:
    pauses = Pauses()
    pauses.note(Throttled("429", 2), "twilio", asked(), 100.0)
    assert pauses.seconds_left("twilio", asked("beta", "+14155550111"), 101.0) == 1
    assert pauses.seconds_left("telnyx", asked(), 101.0) == 0
    assert pauses.seconds_left("twilio", asked(), 102.0) == 0


def test_a_throttled_number_rests_and_the_carriers_other_numbers_do_not() -> None:
    pauses = Pauses()
    pauses.note(Throttled("21611", 60, "number"), "twilio", asked(), 100.0)
    assert pauses.seconds_left("twilio", asked(), 101.0) == 59
    assert pauses.seconds_left("twilio", asked(number="+14155550111"), 101.0) == 0
    assert pauses.seconds_left("twilio", asked("beta"), 101.0) == 0


def test_a_pause_that_follows_on_a_pause_is_twice_as_long_until_a_message_is_accepted() -> None:
    pauses, now, lengths = Pauses(), 0.0, []
    for _ in range(9):
        pauses.note(Throttled("429", 1), "twilio", asked(), now)
        lengths.append(pauses.seconds_left("twilio", asked(), now))
        now += lengths[-1]
    assert lengths == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    pauses.note(Accepted("c-1"), "twilio", asked(), now)
    pauses.note(Throttled("429", 1), "twilio", asked(), now)
    assert pauses.seconds_left("twilio", asked(), now) == 1


def test_a_carrier_that_takes_nothing_for_days_is_paused_a_minute_at_a_time() -> None:
    pauses, now = Pauses(), 0.0
    for _ in range(3_000):
        pauses.note(Throttled("429", 1), "twilio", asked(), now)
        now += pauses.seconds_left("twilio", asked(), now)
    pauses.note(Throttled("429", 1), "twilio", asked(), now)
    assert pauses.seconds_left("twilio", asked(), now) == MAX_PAUSE_SECONDS


def test_numbers_whose_pause_has_ended_are_not_kept_without_end() -> None:
    pauses = Pauses()
    for number in range(3 * MAX_ENDED):
        pauses.note(Throttled("21611", 1, "number"), "twilio", asked(number=f"+1415{number:07}"), float(number))
    assert len(pauses._pauses) <= MAX_ENDED


def test_calls_that_were_in_flight_together_make_one_pause() -> None:
    pauses = Pauses()
    for _ in range(200):
        pauses.note(Throttled("429", 1), "twilio", asked(), 100.0)
        pauses.note(Accepted("c"), "twilio", asked(), 100.1)
    assert pauses.seconds_left("twilio", asked(), 100.0) == 1


def test_a_carrier_out_of_reach_is_tried_again_after_pauses_that_grow_until_it_accepts_a_message() -> None:
    pauses, now, lengths = Pauses(), 0.0, []
    for _ in range(8):
        pauses.note_unreachable("twilio", now)
        pauses.note_unreachable("twilio", now)
        lengths.append(pauses.seconds_left("twilio", asked(), now))
        now += lengths[-1]
    assert lengths == [1, 2, 4, 8, 16, 32, 60, 60]
    pauses.note(Accepted("c-1"), "twilio", asked(), now)
    pauses.note_unreachable("twilio", now)
    assert pauses.seconds_left("twilio", asked(), now) == 1


def test_what_takes_nothing_for_another_reason_gets_the_pause_that_it_asks_for() -> None:
    pauses = Pauses()
    pauses.note(Refused("401", 10), "twilio", asked(), 100.0)
    pauses.note(Unknown("503", 1), "twilio", asked(), 100.0)
    assert pauses.seconds_left("twilio", asked("beta"), 100.0) == 10


def test_what_waits_for_a_pause_comes_back_one_after_the_other_when_it_ends() -> None:
    pauses = Pauses()
    assert (pauses.any_after(100.0), pauses.turn("twilio", asked(), 100.0, has_others=True)) == (False, None)
    pauses.note(Throttled("429", 2), "twilio", asked(), 100.0)
    turns = [pauses.turn("twilio", asked("beta"), 100.0, has_others=True) for _ in range(400)]
    assert [round(turn, 3) for turn in turns[:2] if turn is not None] == [2.005, 2.01]
    assert turns[-1] == 4.0
    assert pauses.turn("telnyx", asked(), 100.0, has_others=True) is None
    assert pauses.turn("twilio", asked(), 102.0, has_others=True) is None


def test_of_very_many_that_wait_for_a_pause_the_last_comes_back_a_minute_after_its_end() -> None:
    pauses = Pauses()
    pauses.note(Throttled("429", 2), "twilio", asked(), 100.0)
    turns = [pauses.turn("twilio", asked("beta"), 100.0, has_others=True) for _ in range(20_000)]
    assert turns[-1] == 62.0


def test_the_only_carriers_pause_is_waited_for_in_kafka_and_a_numbers_pause_never_is() -> None:
    pauses = Pauses()
    pauses.note(Throttled("429", 2), "twilio", asked(), 100.0)
    assert pauses.turn("twilio", asked(), 100.0, has_others=False) is None
    pauses.note(Throttled("21611", 60, "number"), "twilio", asked(), 100.0)
    assert pauses.turn("twilio", asked(), 100.0, has_others=False) is not None
    assert pauses.turn("twilio", asked("beta"), 100.0, has_others=False) is None


results = st.one_of(
    st.just(Accepted("c")),
    st.builds(Refused, st.just("4xx"), st.floats(0, MAX_PAUSE_SECONDS)),
    st.builds(Unknown, st.just("5xx"), st.floats(0, MAX_PAUSE_SECONDS)),
    st.builds(Throttled, st.just("429"), st.floats(1, MAX_PAUSE_SECONDS), st.sampled_from(["carrier", "number"])),
)


@given(st.lists(st.tuples(results, st.floats(0, 100)), max_size=50))
def test_no_pause_is_shorter_than_asked_or_longer_than_the_limit(noted: list[tuple[Called, float]]) -> None:
    pauses, now = Pauses(), 0.0
    for result, passes in noted:
        now += passes
        pauses.note(result, "twilio", asked(), now)
        asked_for = 0.0 if isinstance(result, Accepted) else result.pause_seconds
        assert asked_for - 1e-6 <= pauses.seconds_left("twilio", asked(), now) <= MAX_PAUSE_SECONDS + 1e-6
