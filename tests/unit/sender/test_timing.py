"""When a message may leave: by its own times and by departure rules, whatever both are."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.sender.timing import LONGEST_AHEAD, SEND_AT, Untimely, Wait, departure, with_timing
from shared.events.outbound import MessageRequested
from shared.gate import Rejection

NOW = datetime(2026, 11, 24, 11, 13, tzinfo=UTC)
ASKED = MessageRequested(
    account_id="acme", message_id="m-1", list_id=7, phone="+14155550100", sender_number="ACME", body="Hi. STOP to end"
)
HOUR = timedelta(hours=1)

moments = st.integers(-1_000, 500 * 24 * 3_600).map(lambda seconds: NOW + timedelta(seconds=seconds))
waits = st.lists(st.none() | st.builds(Wait, moments, st.sampled_from(["quiet_hours", "frequency"])), max_size=3)


def asked(send_at: datetime | None = None, valid_until: datetime | None = None) -> MessageRequested:
    return ASKED.model_copy(update={"send_at": send_at, "valid_until": valid_until})


def test_a_message_without_times_leaves_at_once() -> None:
    assert departure(ASKED, (), NOW) is None


def test_it_waits_until_its_time_and_leaves_at_it() -> None:
    assert departure(asked(NOW + HOUR), (), NOW) == Wait(NOW + HOUR, SEND_AT)
    assert departure(asked(NOW), (), NOW) is None


def test_the_latest_of_all_reasons_counts() -> None:
    night = Wait(NOW + 3 * HOUR, "quiet_hours")
    assert departure(asked(NOW + HOUR), [None, night], NOW) == night
    assert departure(asked(NOW + 4 * HOUR), [night], NOW) == Wait(NOW + 4 * HOUR, SEND_AT)


def test_a_message_that_cannot_leave_within_its_validity_is_rejected_at_once() -> None:
    night = Wait(NOW + 3 * HOUR, "quiet_hours")
    found = departure(asked(valid_until=NOW + HOUR), [night], NOW)
    assert isinstance(found, Untimely)
    assert found.reason == "expired"
    assert "quiet_hours" in found.detail


def test_what_the_gate_rejects_does_not_wait() -> None:
    rejection = Rejection("no_way_out", "body: it does not say how to opt out")
    night = Wait(NOW + HOUR, "quiet_hours")
    assert with_timing([rejection, ASKED], [ASKED, ASKED], [[night], [night]], NOW) == [rejection, night]


@given(st.none() | moments, st.none() | moments, waits)
def test_nothing_leaves_before_its_time_or_after_its_validity_whatever_else_is_true(
    send_at: datetime | None, valid_until: datetime | None, reasons: list[Wait | None]
) -> None:
    untils = [each.until for each in reasons if each is not None] + [each for each in [send_at] if each is not None]
    match departure(asked(send_at, valid_until), reasons, NOW):
        case None:
            assert send_at is None or send_at <= NOW
            assert valid_until is None or valid_until > NOW
            assert all(each is None or each.until <= NOW for each in reasons)
        case Wait(until=until):
            assert until == max(untils)
            assert send_at is None or send_at <= NOW + LONGEST_AHEAD
            assert valid_until is None or valid_until > until
        case Untimely(reason="too_far"):
            assert send_at is not None
            assert send_at > NOW + LONGEST_AHEAD
        case Untimely(reason="invalid_times"):
            assert valid_until is not None
            assert send_at is not None
            assert valid_until <= send_at
        case Untimely(detail=detail):
            assert valid_until is not None
            assert valid_until <= max(NOW, *untils, NOW)
            assert len(detail) <= 512
            assert "\n" not in detail


@given(st.lists(st.tuples(st.none() | moments, waits), min_size=1, max_size=5))
def test_a_message_that_waits_is_decided_alike_by_whoever_looks_again(
    steps: list[tuple[datetime | None, list]],
) -> None:
    """Looked at at the very time until which it waits, it waits for nothing that was known before."""
    send_at, reasons = steps[0]
    found = departure(asked(send_at), reasons, NOW)
    if isinstance(found, Wait):
        over = [each for each in reasons if each is not None and each.until > found.until]
        assert departure(asked(send_at), over, max(NOW, found.until)) is None


def test_a_clock_that_jumped_back_has_a_message_wait_for_the_same_time_again() -> None:
    message = asked(NOW + HOUR)
    assert departure(message, (), NOW - HOUR) == departure(message, (), NOW) == Wait(NOW + HOUR, SEND_AT)
