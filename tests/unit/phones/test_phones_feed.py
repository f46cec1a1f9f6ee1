"""A browser gets all parts at first, then what changed, whole and once; a slow one fills no memory."""

import pytest

from harness.phones.feed import Feed


async def test_a_browser_gets_everything_first_and_then_only_what_changed() -> None:
    parts = {"tally": 1, "notes": 2}
    feed = Feed(parts.__getitem__, lambda: list(parts))
    with feed.one_more() as follower:
        events = feed.events(follower)
        assert await anext(events) == {"tally": 1, "notes": 2}
        parts["notes"] = 3
        feed.changed("notes")
        assert await anext(events) == {"notes": 3}


async def test_what_changes_often_while_a_browser_is_slow_is_sent_once_as_it_is_then() -> None:
    parts = {"tally": 0}
    feed = Feed(parts.__getitem__, lambda: list(parts))
    with feed.one_more() as follower:
        events = feed.events(follower)
        await anext(events)
        for n in range(10_000):
            parts["tally"] = n
            feed.changed("tally")
        assert await anext(events) == {"tally": 9_999}
        feed.changed("tally")
        assert await follower.stale() == ["tally"]


async def test_where_nothing_changes_there_is_a_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.phones.feed.HEARTBEAT_SECONDS", 0.01)
    feed = Feed(lambda _: None, list)
    with feed.one_more() as follower:
        events = feed.events(follower)
        assert await anext(events) == {}
        assert await anext(events) == {}
