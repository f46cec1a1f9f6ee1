"""Each shipped rule at its edges: on weekdays, weekends and holidays."""

from datetime import date, timedelta

import pytest
from hours_asked import CHICAGO, DENVER, MONDAY, NEW_YORK, PACIFIC, SATURDAY, SECOND, SUNDAY, at

from shared.fair_hours.ask import AccountHours, Closed, Open
from shared.fair_hours.calendar import CLOCK_ERROR, LEAVES_WITHIN
from shared.fair_hours.rules import ShippedRule, read_rules, shipped_rules
from shared.fair_hours.sending_hours import SendingHours

ANY_TIME_ELSEWHERE = SendingHours(applies_to="marketing", elsewhere=None)
CHRISTMAS = date(2026, 12, 25)

CLOSED = None
# Rule, a recipient, the zone, and when messages may reach it: on Monday, Saturday, Sunday and Christmas Day.
ROWS = [
    ("us-federal.1", "US-NY", NEW_YORK, "08:00-21:00", "08:00-21:00", "08:00-21:00", "08:00-21:00"),
    ("us-al.1", "US-AL", CHICAGO, "08:00-20:00", "08:00-20:00", CLOSED, CLOSED),
    ("us-ca.1", "US-CA", PACIFIC, "09:00-21:00", "09:00-21:00", "09:00-21:00", "09:00-21:00"),
    ("us-ct.1", "US-CT", NEW_YORK, "09:00-20:00", "09:00-20:00", "09:00-20:00", "09:00-20:00"),
    ("us-fl.1", "US-FL", NEW_YORK, "08:00-20:00", "08:00-20:00", "08:00-20:00", "08:00-20:00"),
    ("us-il.1", "US-IL", CHICAGO, "09:00-21:00", "09:00-21:00", "09:00-21:00", "09:00-21:00"),
    ("us-ky.1", "US-KY", NEW_YORK, "10:00-21:00", "10:00-21:00", "10:00-21:00", "10:00-21:00"),
    ("us-la.1", "US-LA", CHICAGO, "08:00-20:00", "08:00-20:00", CLOSED, CLOSED),
    ("us-ma.1", "US-MA", NEW_YORK, "08:00-20:00", "08:00-20:00", "08:00-20:00", "08:00-20:00"),
    ("us-md.1", "US-MD", NEW_YORK, "08:00-20:00", "08:00-20:00", "08:00-20:00", "08:00-20:00"),
    ("us-mi.1", "US-MI", NEW_YORK, "09:00-21:00", "09:00-21:00", "09:00-21:00", "09:00-21:00"),
    ("us-mn.1", "US-MN", CHICAGO, "09:00-21:00", "09:00-21:00", "09:00-21:00", "09:00-21:00"),
    ("us-ms.1", "US-MS", CHICAGO, "08:00-20:00", "08:00-20:00", CLOSED, CLOSED),
    ("us-nj.1", "US-NJ", NEW_YORK, "08:00-20:00", "08:00-20:00", "08:00-20:00", "08:00-20:00"),
    ("us-nm.1", "US-NM", DENVER, "09:00-21:00", "09:00-21:00", "09:00-21:00", "09:00-21:00"),
    ("us-nv.1", "US-NV", PACIFIC, "09:00-20:00", "09:00-20:00", "09:00-20:00", "09:00-20:00"),
    ("us-ok.1", "US-OK", CHICAGO, "08:00-20:00", "08:00-20:00", "08:00-20:00", "08:00-20:00"),
    ("us-or.1", "US-OR", PACIFIC, "08:00-20:00", "08:00-20:00", "08:00-20:00", "08:00-20:00"),
    ("us-pa.1", "US-PA", NEW_YORK, "08:00-21:00", "08:00-12:00", "08:00-21:00", CLOSED),
    ("us-ri.1", "US-RI", NEW_YORK, "09:00-18:00", "10:00-17:00", "10:00-17:00", CLOSED),
    ("us-tx.1", "US-TX", CHICAGO, "09:00-21:00", "09:00-21:00", "12:00-21:00", "09:00-21:00"),
    ("us-ut.1", "US-UT", DENVER, "08:00-21:00", "08:00-21:00", "08:00-21:00", CLOSED),
    ("us-wa.1", "US-WA", PACIFIC, "08:00-20:00", "08:00-20:00", "08:00-20:00", "08:00-20:00"),
    ("ca.1", "CA-ON", "America/Toronto", "09:00-21:30", "10:00-18:00", "10:00-18:00", "09:00-21:30"),
    ("fr.1", "FR", "Europe/Paris", "10:00-20:00", "10:00-20:00", CLOSED, CLOSED),
]


def test_every_rule_has_its_row() -> None:
    assert [row[0] for row in ROWS] == [rule.id for rule in shipped_rules()]


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_rule_holds_at_its_edges(row: tuple[str, ...]) -> None:
    _, state, zone, *parts = row
    hours = AccountHours(ANY_TIME_ELSEWHERE)
    for day, part in zip((MONDAY, SATURDAY, SUNDAY, CHRISTMAS), parts, strict=True):
        if part is None:
            for wall in ("08:30", "12:00", "19:30"):
                assert isinstance(hours.ask("+12125550100", state, zone, at(zone, day, wall)), Closed), (day, wall)
            continue
        start, end = (at(zone, day, wall) for wall in part.split("-"))
        asked_at = {
            start - SECOND: Closed,
            start: Closed,
            start + SECOND: Open,
            end - 3 * SECOND: Open,
            end - 2 * SECOND: Closed,
            end: Closed,
        }
        for moment, expected in asked_at.items():
            assert isinstance(hours.ask("+12125550100", state, zone, moment), expected), (day, moment)


@pytest.mark.parametrize("rule", shipped_rules(), ids=lambda rule: rule.id)
def test_a_rule_applies_from_its_first_day(rule: ShippedRule) -> None:
    first = rule.rule()
    assert first.is_in_force(rule.valid_from)
    assert not first.is_in_force(rule.valid_from - timedelta(days=1))
    assert rule.valid_from <= date(2026, 11, 29), "the table has what is known today"


def test_a_rule_counts_for_nobody_before_its_first_day() -> None:
    hours = AccountHours(ANY_TIME_ELSEWHERE)
    before, first = date(2026, 4, 7), date(2026, 4, 8)  # us-ca.1, from 9:00; before it the federal rule, from 8:00
    assert isinstance(hours.ask("+14155550100", None, None, at(PACIFIC, before, "08:30")), Open)
    assert isinstance(hours.ask("+14155550100", None, None, at(PACIFIC, first, "08:30")), Closed)


def test_a_rule_that_was_replaced_ends_with_its_last_day() -> None:
    text = """
    [[rule]]
    id = "us-tx.1"
    places = ["US-TX"]
    valid_from = 2025-09-01
    valid_to = 2026-12-31
    hours = { mon-sun = "09:00-21:00" }
    checked = true
    source = "a law"
    text = "what it says"
    """
    (rule,) = read_rules(text)
    assert [rule.rule().is_in_force(date(*day)) for day in ((2025, 8, 31), (2026, 12, 31), (2027, 1, 1))] == [
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("replaced", "by", "problem"),
    [
        ('mon-sun = "09:00-21:00"', 'mon-son = "09:00-21:00"', "write days"),
        ('"09:00-21:00"', '"21:00-09:00"', "within one day"),
        ('"09:00-21:00"', '"9-21"', "write hours"),
        ('mon-sun = "09:00-21:00"', 'holiday = "closed"', "go together"),
        ('"US-TX"', '"Texas"', "places"),
    ],
)
def test_a_table_that_cannot_be_read_says_where(replaced: str, by: str, problem: str) -> None:
    text = """
    [[rule]]
    id = "us-tx.1"
    places = ["US-TX"]
    valid_from = 2025-09-01
    hours = { mon-sun = "09:00-21:00" }
    checked = true
    source = "a law"
    text = "what it says"
    """
    with pytest.raises(ValueError, match=problem):
        read_rules(text.replace(replaced, by))


def test_the_margins_cover_a_wrong_clock_and_a_decision_that_is_still_fresh() -> None:
    assert timedelta(seconds=1) == CLOCK_ERROR
    assert timedelta(seconds=2) == LEAVES_WITHIN
