"""Which messages of a batch may leave, by the limits of numbers and recipients together."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sender.limits.allot import Limited, allot
from services.sender.limits.frequency import FREQUENCY, is_counted, list_counted
from services.sender.limits.number_limits import LimitName, NumberLimit
from services.sender.limits.number_use import RATE, NumberUse
from services.sender.limits.rows import CountedRecipient, RecipientUse
from shared.events.outbound import MessageRequested
from shared.events.suppression import FrequencyCap, FrequencyPolicy

START = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
NAME = LimitName("acme", "number +14155550199")
KEY = CountedRecipient("acme", "+14155550100", 0)


def asked(number: int = 1, **changes: object) -> MessageRequested:
    fields = {
        "account_id": "acme", "message_id": f"m-{number}", "list_id": 7, "phone": KEY.phone,
        "sender_number": "+14155550199", "body": "Sale. Reply STOP to opt out",
    }  # fmt: skip
    return MessageRequested(**{**fields, **changes})


def test_a_recipient_who_has_had_enough_takes_no_token_and_a_number_without_one_counts_for_no_recipient() -> None:
    one_per_second, cap = NumberLimit(per_second=1), FrequencyCap(messages=1, hours=24)
    other = CountedRecipient("acme", "+14155550101", 0)
    had_enough = Limited(asked(1), (NAME, one_per_second), 1, (KEY, cap))
    others = [Limited(asked(n, phone=other.phone), (NAME, one_per_second), 1, (other, cap)) for n in (2, 3)]
    times = {KEY: RecipientUse([START - timedelta(hours=1)]), other: RecipientUse([])}
    done = allot([had_enough, *others], {NAME: NumberUse()}, times, START, woken=False)
    assert [each.message_id for each in done.allowed] == ["m-2"]
    assert [(each.message_id, turn.reason) for each, turn in done.held] == [("m-1", FREQUENCY), ("m-3", FREQUENCY)]
    assert done.uses[NAME].sent == 1
    late = Limited(asked(4, phone="+14155550102"), (NAME, one_per_second), 1, (CountedRecipient("acme", "x", 0), cap))
    done = allot([late], done.uses, {CountedRecipient("acme", "x", 0): RecipientUse([])}, START, woken=False)
    assert [turn.reason for _, turn in done.held] == [RATE]
    assert not done.changed
    assert not done.reservation


def test_over_the_cap_a_message_waits_until_the_oldest_that_counts_is_too_old() -> None:
    cap = FrequencyCap(messages=2, hours=24)
    times = [START - timedelta(hours=hours) for hours in (30, 23, 5)]
    done = allot([Limited(asked(), recipient=(KEY, cap))], {}, {KEY: RecipientUse(times)}, START, woken=False)
    assert done.held[0][1] == (START + timedelta(hours=1), FREQUENCY)


@pytest.mark.parametrize("policy", ["wait", "reject"])
def test_a_message_that_its_sender_had_counted_before_it_died_leaves_and_counts_once(policy: FrequencyPolicy) -> None:
    cap, later = FrequencyCap(messages=2, hours=24, policy=policy), START + timedelta(minutes=5)
    limited = [Limited(asked(number), recipient=(KEY, cap)) for number in range(3)]
    before = allot(limited[:2], {}, {KEY: RecipientUse([])}, START, woken=False)
    again = allot(limited, {}, before.changed, later, woken=False)
    assert [each.message_id for each in again.allowed] == ["m-0", "m-1"]
    assert again.changed[KEY].times == [later, later + timedelta(microseconds=1)]
    assert not again.reservation, "what another process may have called is not given back"


def test_a_message_whose_count_was_given_back_counts_like_a_new_one() -> None:
    cap = FrequencyCap(messages=1, hours=24)
    other, own = START - timedelta(minutes=2), START - timedelta(minutes=1)
    given_back = RecipientUse([other], {"m-1": own})
    done = allot([Limited(asked(), recipient=(KEY, cap))], {}, {KEY: given_back}, START, woken=False)
    assert [turn.reason for _, turn in done.held] == [FREQUENCY]


def test_few_messages_are_remembered_and_not_for_long() -> None:
    cap, use = FrequencyCap(messages=100, hours=24), RecipientUse([])
    for number in range(100):
        asked_now = [Limited(asked(number), recipient=(KEY, cap))]
        use = allot(asked_now, {}, {KEY: use}, START + timedelta(minutes=2 * number), woken=False).changed[KEY]
    assert len(use.times) == 100
    assert list(use.message_times) == [f"m-{number}" for number in range(80, 100)]
    last = [Limited(asked(100), recipient=(KEY, cap))]
    done = allot(last, {}, {KEY: use}, START + timedelta(hours=24), woken=False)
    assert list(done.changed[KEY].message_times) == ["m-100"]


def test_an_account_may_have_messages_rejected_that_are_over_its_cap() -> None:
    cap = FrequencyCap(messages=2, hours=24, policy="reject", per_list=True)
    limited = [Limited(asked(number), recipient=(KEY, cap)) for number in range(3)]
    done = allot(limited, {}, {KEY: RecipientUse([])}, START, woken=False)
    assert [each.message_id for each in done.allowed] == ["m-0", "m-1"]
    assert [(each.message_id, why) for each, why in done.refused] == [
        ("m-2", "the recipient has had 2 messages from this list within 24 hours")
    ]


def test_what_is_counted_together_is_the_accounts_choice() -> None:
    all_lists, per_list = FrequencyCap(messages=1, hours=1), FrequencyCap(messages=1, hours=1, per_list=True)
    assert (list_counted(asked(), all_lists), list_counted(asked(), per_list)) == (0, 7)
    exempting = FrequencyCap(messages=1, hours=1, exempts_conversational=True)
    answer = asked(conversational=True)
    assert [is_counted(answer, all_lists), is_counted(answer, exempting), is_counted(asked(), exempting)] == [
        True, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("purpose", "exempt", "counted"),
    [("transactional", True, False), ("transactional", False, True), ("marketing", True, True), (None, True, True)],
)
def test_a_one_time_code_is_under_no_cap_that_exempts_what_is_transactional(
    purpose: str | None,
    exempt: bool,  # noqa: FBT001
    counted: bool,  # noqa: FBT001
) -> None:
    cap = FrequencyCap(messages=1, hours=24, exempts_transactional=exempt)
    assert is_counted(asked(purpose=purpose), cap) is counted
    assert is_counted(asked(purpose=purpose, conversational=True), cap) is counted


def test_the_confirmation_of_an_opt_out_waits_for_nothing_and_counts_for_its_number_alone() -> None:
    one_per_day, cap = NumberLimit(per_second=1, per_day=1), FrequencyCap(messages=1, hours=24)
    confirmation = asked(2, confirms_opt_out=UUID(int=1))
    assert not is_counted(confirmation, cap)
    use = allot([Limited(asked(1), (NAME, one_per_day))], {NAME: NumberUse()}, {}, START, woken=False).uses
    done = allot([Limited(confirmation, (NAME, one_per_day))], use, {}, START, woken=False)
    assert done.allowed == [confirmation]
    assert (done.uses[NAME].sent, list(done.reservation.of_numbers)) == (2, [("acme", "m-2")])
    assert done.uses[NAME].spent_until > use[NAME].spent_until


@given(
    st.lists(st.tuples(st.floats(0, 20), st.integers(1, 4)), max_size=40),
    st.integers(1, 5),
    st.integers(1, 48),
)
def test_no_window_has_more_messages_than_the_cap_and_who_waits_is_let_through(
    batches: list[tuple[float, int]], messages: int, hours: int
) -> None:
    cap, now, times, left = FrequencyCap(messages=messages, hours=hours), START, [], []
    for number, (passes, count) in enumerate(batches):
        now += timedelta(hours=passes)
        limited = [Limited(asked(100 * number + each), recipient=(KEY, cap)) for each in range(count)]
        done = allot(limited, {}, {KEY: RecipientUse(times)}, now, woken=False)
        times = done.times[KEY]
        left += [now] * len(done.allowed)
        for request, turn in done.held:
            assert turn.until is not None
            assert turn.until > now
            again = allot(
                [Limited(request, recipient=(KEY, cap))], {}, {KEY: RecipientUse(times)}, turn.until, woken=True
            )
            assert again.allowed == [request]
    window = timedelta(hours=hours) - timedelta(seconds=1)
    assert all(sum(1 for each in left if begin <= each < begin + window) <= messages for begin in left)
