"""What the page of reviews asks the API for, however long a queue or a conversation is."""

from collections.abc import Mapping
from typing import Any

import pytest

from services.dashboard.given import FilledForm
from services.dashboard.pages.parked import _safe, _time
from services.dashboard.pages.policies import _dated
from services.dashboard.pages.review import queued, whole_timeline


class PagesOfApi:
    """An API that has pages of an answer; `after` is the number of the page."""

    def __init__(self, name: str, pages: list[list[Mapping[str, Any]]]) -> None:
        self._name = name
        self._pages = pages
        self.asked = 0

    async def get(self, _: str, params: Mapping[str, Any]) -> dict[str, Any]:
        self.asked += 1
        place = int(params["after"] or 0)
        following = place + 1 if place + 1 < len(self._pages) else None
        return {self._name: self._pages[place], "next": following}


def held(decided: object = None) -> dict[str, Any]:
    return {"decided": decided}


async def test_a_page_full_of_decisions_that_wait_does_not_hide_the_replies_after_it() -> None:
    api: Any = PagesOfApi("held", [[held("x")] * 3, [held("x"), held()], [held()]])
    found, is_all = await queued(api)
    assert ([each["decided"] for each in found], is_all) == (["x", "x", "x", "x", None], False)
    assert api.asked == 2


async def test_a_queue_that_is_all_decided_is_read_to_a_limit() -> None:
    api: Any = PagesOfApi("held", [[held("x")]] * 50)
    found, is_all = await queued(api)
    assert (len(found), is_all, api.asked) == (10, False, 10)


async def test_the_conversation_ends_with_what_was_said_last() -> None:
    """The first page has the oldest decisions, and the newest messages."""
    api: Any = PagesOfApi("timeline", [[{"at": "2026-01"}, {"at": "2026-11"}], [{"at": "2026-03"}, {"at": "2026-12"}]])
    assert [each["at"] for each in await whole_timeline(api, "+1")] == ["2026-01", "2026-03", "2026-11", "2026-12"]


@pytest.mark.parametrize("text", ["12/31/2026", "soon", "2026-13-01"])
def test_a_policy_for_a_date_that_is_none_is_not_one_for_now(text: str) -> None:
    assert "at" in _dated(FilledForm({"at": text})).problems
    assert _dated(FilledForm({"at": ""})).problems == _dated(FilledForm({"at": "2026-12-31"})).problems == {}


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "\u202esoon"])
def test_whoever_wrote_a_parked_record_cannot_keep_the_page_from_being_shown_or_turn_its_text_around(text: str) -> None:
    assert _time(text) == _safe(text)
    assert "\u202e" not in str(_safe(text))
