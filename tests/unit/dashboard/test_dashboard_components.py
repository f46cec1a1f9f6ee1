"""The parts of pages: whatever comes from outside is escaped, and every part says what it is without its colour."""

import json
import re

import htpy as h
import pytest

from services.dashboard.components.badge import badge
from services.dashboard.components.chart import chart
from services.dashboard.components.confirm import confirm
from services.dashboard.components.empty_state import empty_state
from services.dashboard.components.field import choice, field, text_area
from services.dashboard.components.figure import figure, figures
from services.dashboard.components.moment import moment
from services.dashboard.components.notice import notice
from services.dashboard.components.number_link import grouped, number_link, number_path
from services.dashboard.components.pager import pager
from services.dashboard.components.progress import progress
from services.dashboard.components.table import table

EVIL = "<script>alert(1)</script>\"'>"


def test_no_component_lets_markup_from_outside_through() -> None:
    parts: list[h.Renderable | None] = [
        notice("bad", EVIL),
        badge(EVIL),
        empty_state(EVIL, EVIL, EVIL),
        field(EVIL, "name", value=EVIL, hint=EVIL),
        text_area(EVIL, "name", value=EVIL, problem=EVIL),
        choice(EVIL, "name", [(EVIL, EVIL)], hint=EVIL),
        number_link(EVIL),
        table(EVIL, [EVIL], [[EVIL]]),
        pager("/lists", EVIL, parameters={"search": EVIL}),
        confirm("name", h.input(value=EVIL), label=EVIL, question=EVIL, text=EVIL, action=EVIL, csrf_field=None),
        progress(EVIL, 1, 2),
        figures(figure(EVIL, EVIL, EVIL)),
        chart("name", EVIL, [1], {EVIL: [1]}),
    ]
    for part in parts:
        assert "<script" not in str(part)
        assert " style=" not in str(part)


def test_a_number_is_a_link_to_its_story_and_can_be_read_aloud() -> None:
    assert number_path("+14155550100") == "/numbers/+14155550100"
    assert grouped("+14155550100") == "+1 415 555 0100"
    assert grouped("+31612345678") == "+31 612 345 678"
    assert 'href="/numbers/+31612345678"' in str(number_link("+31612345678"))


def test_a_time_has_its_zone_and_all_its_digits() -> None:
    shown = str(moment("2026-11-29T17:54:43.123456+01:00"))
    assert 'datetime="2026-11-29T16:54:43.123456Z"' in shown
    assert "29 Nov 2026, 16:54 UTC" in shown
    assert str(moment(None, empty="never")) == "<span>never</span>"


@pytest.mark.parametrize(
    ("following", "is_first", "links"), [(None, True, 0), ("x", True, 1), (None, False, 1), ("x", False, 2)]
)
def test_a_pager_leads_on_and_to_the_beginning(following: str | None, links: int, *, is_first: bool) -> None:
    shown = str(pager("/lists", following, is_first=is_first) or "")
    assert len(re.findall("<a ", shown)) == links


def test_a_field_is_labelled_and_its_problem_is_read_with_it() -> None:
    shown = str(field("Name", "name", problem="write a name"))
    assert '<label for="field-name">Name</label>' in shown
    assert 'aria-invalid="true"' in shown
    assert 'aria-describedby="about-name"' in shown
    assert "secret" not in str(field("Key", "key", kind="password", value="secret"))


def test_a_chart_has_its_data_where_scripts_find_them_and_its_totals_for_who_does_not_see_it() -> None:
    shown = chart("flow", "Messages", [60, 120], {"in": [1, 2], "out": [None, 4]})
    data = re.search('data-chart="([^"]*)"', str(shown))
    assert data is not None
    assert json.loads(data[1].replace("&#34;", '"')) == {"times": [60, 120], "series": {"in": [1, 2], "out": [None, 4]}}
    assert "Messages. in: 3; out: 4" in str(shown)
