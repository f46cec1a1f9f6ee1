"""The live feed's counts: in steps, of one account, with a limit on everything."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from services.optout.api.live import counts as counts_module
from services.optout.api.live.counts import MAX_ACCOUNTS, STEP_SECONDS, STEPS, LiveCounts
from services.optout.api.live.follow import count_all
from shared.consumer import Unreadable

NOW = 1_000_000.0


def record(event: object, at_seconds: float = NOW) -> Any:
    value = event if isinstance(event, bytes) else json.dumps(event).encode()
    return SimpleNamespace(value=value, timestamp=at_seconds * 1000)


def total(counts: LiveCounts, kind: str, account_id: str = "acme") -> int:
    return sum(counts.series(account_id, NOW)[kind])


@pytest.mark.parametrize(
    ("event_type", "kind"),
    [
        ("message_received", "received"),
        ("opted_out", "opted_out"),
        ("message_sent", "sent"),
        ("message_suppressed", "dropped"),
        ("message_rejected", "dropped"),
    ],
)
def test_what_happens_is_counted_by_its_kind_and_for_its_account(event_type: str, kind: str) -> None:
    counts = LiveCounts()
    count_all(counts, [record({"type": event_type, "account_id": "acme"})])
    assert total(counts, kind) == 1
    assert total(counts, kind, "other") == 0


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b"\xff",
        {"type": "message_sent"},
        {"type": "message_sent", "account_id": 7},
        {"type": "message_sent", "account_id": "x" * 65},
        {"type": ["message_sent"], "account_id": "acme"},
        {"type": "fence_marker_appended"},
        {"type": "opted_out", "account_id": "acme", "source": "clean_up"},
        {"type": "opted_out", "account_id": "acme", "source": ["clean_up"]},
    ],
)
def test_what_cannot_be_read_or_is_not_an_opt_out_of_somebodys_own_counts_for_nothing(odd: object) -> None:
    counts = LiveCounts()
    good = record({"type": "message_sent", "account_id": "acme"})
    count_all(counts, [record(odd), Unreadable("t", 0, 1, 1, "cause", b""), good])
    assert total(counts, "sent") == 1


def test_only_the_last_minutes_are_kept() -> None:
    counts = LiveCounts()
    for step in range(3 * STEPS):
        counts.add("acme", "sent", NOW - step * STEP_SECONDS)
    series = counts.series("acme", NOW)
    assert len(series["times"]) == len(series["sent"]) == STEPS
    assert sum(series["sent"]) <= STEPS


def test_whoever_follows_an_account_wakes_for_it_and_for_no_other() -> None:
    counts = LiveCounts()
    with counts.followed("acme") as changed:
        counts.add("other", "sent", NOW)
        assert not changed.is_set()
        counts.add("acme", "sent", NOW)
        assert changed.is_set()
        assert (counts.followers(), counts.followers("acme"), counts.followers("other")) == (1, 1, 0)
    assert counts.followers() == 0


def test_of_too_many_accounts_one_that_nobody_follows_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts_module, "MAX_ACCOUNTS", 3)
    assert MAX_ACCOUNTS > 1_000
    counts = LiveCounts()
    with counts.followed("first"):
        for name in ("second", "third", "fourth"):
            counts.add(name, "sent", NOW)
        counts.add("first", "sent", NOW)
        assert total(counts, "sent", "first") == 1
        assert total(counts, "sent", "second") == 0
