"""Messages of an account whose reception is in doubt wait, and an operator hears of it."""

import logging
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from services.sender import metrics
from services.sender.reception import NOT_CAUGHT_UP, ReceptionRule, ReceptionWatch
from services.sender.timing import Wait
from shared.errors import TransientError
from shared.events.outbound import MessageRequested
from shared.events.reception import CatchUpCompleted, ReceptionConfirmed
from shared.reception.state import ReceptionLimits, ReceptionState
from shared.suppressions.account_settings import AccountSettings

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
ACCOUNT = cast("AccountSettings", None)
GAP, SETTLE, KNOWN, WAIT = (timedelta(seconds=each) for each in (120, 30, 10, 3_600))


def after_downtime() -> ReceptionState:
    """Return the state of an account whose replies may have been missed until noon."""
    state = ReceptionState(ReceptionLimits(GAP, SETTLE, KNOWN, WAIT))
    for instance, since, until in (("before", -9_000, -3_000), ("now", 0, 5_000)):
        at = NOON + timedelta(seconds=since), NOON + timedelta(seconds=until)
        state.apply(ReceptionConfirmed(instance_id=instance, since=at[0], confirmed_at=at[1]), at[1])
    early = NOON - timedelta(seconds=4_000)
    state.apply(CatchUpCompleted(account_id="acme", gateway="twilio", complete_to=early, completed_at=early), NOON)
    state.is_read = True
    return state


def message(account_id: str = "acme") -> MessageRequested:
    return MessageRequested(
        account_id=account_id, message_id="m", list_id=1, phone="+14155550100", sender_number="+18335550123", body="Hi"
    )


def test_a_message_of_the_account_waits_and_those_of_others_leave() -> None:
    rule = ReceptionRule(after_downtime(), lambda: NOON)
    assert rule.earliest(message(), ACCOUNT, NOON) == Wait(NOON + SETTLE, NOT_CAUGHT_UP)
    assert rule.earliest(message("another"), ACCOUNT, NOON) is None


def test_many_messages_that_wait_are_not_decided_again_all_the_time() -> None:
    rule = ReceptionRule(after_downtime(), lambda: NOON)
    waits = [rule.earliest(message(), ACCOUNT, NOON) for _ in range(100_000)]
    ends = sorted(each.until for each in waits if each is not None)
    assert ends[0] == NOON + SETTLE
    assert sum(until <= NOON + SETTLE * 2 for until in ends) <= 30_001
    assert ends[-1] <= NOON + WAIT
    other = ReceptionRule(after_downtime(), lambda: NOON)
    assert other.earliest(message(), ACCOUNT, NOON) == Wait(NOON + SETTLE, NOT_CAUGHT_UP)


def test_a_message_does_not_expire_because_many_others_wait() -> None:
    rule = ReceptionRule(after_downtime(), lambda: NOON)
    for _ in range(100_000):
        rule.earliest(message(), ACCOUNT, NOON)
    brief = message().model_copy(update={"valid_until": NOON + SETTLE * 3})
    found = rule.earliest(brief, ACCOUNT, NOON)
    assert found is not None
    assert found.until == NOON + SETTLE * 2


def test_a_slow_clock_of_the_database_hides_no_downtime() -> None:
    rule = ReceptionRule(after_downtime(), lambda: NOON)
    assert rule.earliest(message(), ACCOUNT, NOON - timedelta(hours=3)) is not None


def test_before_anything_is_known_nothing_leaves() -> None:
    state = ReceptionState(ReceptionLimits(GAP, SETTLE, KNOWN, WAIT))
    with pytest.raises(TransientError, match="not known yet"):
        ReceptionRule(state).earliest(message(), ACCOUNT, NOON)


def test_each_change_is_logged_once_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    now, state = [NOON], after_downtime()
    watch = ReceptionWatch(state, lambda: now[0])
    for now[0] in (NOON, NOON + WAIT / 2):
        watch.look()
    assert counted() == {"caught_up": 0, "waits": 1, "given_up": 0}
    now[0] = NOON + WAIT
    watch.look()
    assert counted() == {"caught_up": 0, "waits": 0, "given_up": 1}
    state.apply(
        CatchUpCompleted(account_id="acme", gateway="twilio", complete_to=NOON + SETTLE, completed_at=now[0]), now[0]
    )
    now[0] += KNOWN
    watch.look()
    assert counted() == {"caught_up": 1, "waits": 0, "given_up": 0}
    said = [(each.levelname, each.getMessage()) for each in caplog.records]
    assert [level for level, _ in said] == ["WARNING", "WARNING", "ERROR", "ERROR", "INFO"]
    assert "twilio" in said[1][1]


def counted() -> dict[str, float]:
    return {each: metrics.RECEPTION.labels(each)._value.get() for each in ("caught_up", "waits", "given_up")}
