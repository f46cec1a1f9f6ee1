"""The clock by which messages leave: neither the database's nor the machine's alone lets one leave early."""

from datetime import UTC, datetime, timedelta

import pytest

from services.sender.waiting import clock as module
from services.sender.waiting.clock import DepartureClock

SECOND = timedelta(seconds=1)


def test_until_the_database_was_asked_the_machines_clock_counts() -> None:
    before = datetime.now(UTC)
    assert before <= DepartureClock().now() <= datetime.now(UTC)


def test_a_machine_whose_clock_jumped_forward_lets_nothing_leave_early() -> None:
    clock = DepartureClock()
    database = datetime.now(UTC) - timedelta(hours=1)
    clock.note(database)
    assert database <= clock.now() < database + SECOND


def test_a_database_whose_clock_jumped_forward_lets_nothing_leave_early() -> None:
    clock = DepartureClock()
    clock.note(datetime.now(UTC) + timedelta(hours=1))
    assert abs(clock.now() - datetime.now(UTC)) < SECOND


def test_between_two_looks_the_databases_time_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, at = DepartureClock(), [100.0]
    monkeypatch.setattr(module, "boottime", lambda: at[0])
    database = datetime.now(UTC) - timedelta(hours=1)
    clock.note(database)
    at[0] += 90.0
    assert clock.now() == database + timedelta(seconds=90)
