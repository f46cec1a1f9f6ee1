"""Where a recipient may be: by what a request names, by area code and by country."""

from datetime import UTC, datetime, timedelta

import pytest
from hours_asked import CHICAGO, MONDAY, NEW_YORK, PACIFIC, SUNDAY, asked, at

from shared.fair_hours.ask import AccountHours, Closed, Never, Open
from shared.fair_hours.places import (
    UnknownPlaceError,
    _all_zones,
    _by_area_code,
    _zones_by_country,
    state_names,
    whereabouts,
)
from shared.fair_hours.sending_hours import SendingHours

SETTINGS = SendingHours(applies_to="marketing")


def test_an_area_code_of_two_zones_may_leave_only_in_both() -> None:
    # 850 is Pensacola's, and a few exchanges are on Eastern time.
    found = whereabouts("+1850", None, None)
    assert found.places == ("US-FL",)
    both = AccountHours(SETTINGS)
    assert isinstance(both.ask("+18505550100", None, None, at(NEW_YORK, MONDAY, "19:30")), Open)
    assert isinstance(both.ask("+18505550100", None, None, at(CHICAGO, MONDAY, "07:30")), Closed)
    assert CHICAGO in found.zones
    assert isinstance(both.ask("+18505550100", "US-FL", CHICAGO, at(CHICAGO, MONDAY, "19:30")), Open)


@pytest.mark.parametrize(
    ("old", "overlays"),
    [
        ("208", "986"), ("250", "236 257 672 778"), ("270", "364"), ("306", "474 639"), ("407", "689"),
        ("418", "367 581"), ("541", "458"), ("709", "879"), ("812", "930"), ("850", "448"),
    ],
)  # fmt: skip
def test_an_overlay_has_the_zones_of_the_area_code_that_it_lies_on(old: str, overlays: str) -> None:
    for overlay in overlays.split():
        assert whereabouts(f"+1{overlay}", None, None) == whereabouts(f"+1{old}", None, None), overlay


def test_an_orlando_number_gets_nothing_after_eight_in_the_evening() -> None:
    assert isinstance(asked(at(NEW_YORK, MONDAY, "20:30"), "+16895550100"), Closed)


@pytest.mark.parametrize(
    ("phone", "country"),
    [("+15125550100", "US"), ("+16715550100", "US"), ("+14165550100", "CA"), ("+18505550100", "US")],
)
def test_a_country_of_states_says_no_more_than_a_number_from_there(phone: str, country: str) -> None:
    assert whereabouts(phone[:5], country, None) == whereabouts(phone[:5], None, None)


@pytest.mark.parametrize(("phone", "country"), [("+33612345678", "US"), ("+18335550100", "US"), ("+15125550100", "CA")])
def test_a_country_of_states_may_be_any_of_them_where_the_number_does_not_say(phone: str, country: str) -> None:
    found = whereabouts(phone[:5], country, None)
    assert set(found.places) == {state for state in state_names() if state.startswith(country)}
    assert {"US": "Pacific/Honolulu", "CA": "America/St_Johns"}[country] in found.zones
    assert whereabouts(phone[:5], country, CHICAGO).zones == (CHICAGO,)


@pytest.mark.parametrize(("phone", "zone"), [("+38344123456", "Europe/Belgrade"), ("+24740123", "Atlantic/St_Helena")])
def test_a_country_that_the_time_zone_database_lacks_has_a_clock(phone: str, zone: str) -> None:
    assert whereabouts(phone[:5], None, None).zones == (zone,)


def test_a_named_state_comes_before_the_area_code() -> None:
    in_new_york = at(NEW_YORK, MONDAY, "08:30")
    assert isinstance(asked(in_new_york), Open)
    assert isinstance(asked(in_new_york, state="US-TX"), Closed)
    assert isinstance(asked(at(NEW_YORK, MONDAY, "22:30"), state="US-CA"), Open)


def test_an_area_code_of_florida_or_oregon_keeps_its_rule_wherever_the_recipient_is() -> None:
    late = at(NEW_YORK, MONDAY, "20:30")
    assert isinstance(asked(late, "+12125550100", "US-NY"), Open)
    answer = asked(late, "+13055550100", "US-NY")
    assert isinstance(answer, Closed)
    assert answer.rule_id == "us-fl.1"


def test_a_named_zone_sets_the_clock_and_keeps_the_numbers_rules() -> None:
    answer = asked(at(PACIFIC, MONDAY, "20:30"), "+13055550100", zone=PACIFIC)
    assert isinstance(answer, Closed)
    assert (answer.rule_id, answer.zone) == ("us-fl.1", PACIFIC)


def test_a_named_zone_of_another_country_adds_its_rules() -> None:
    answer = asked(at("Europe/Paris", SUNDAY, "12:00"), zone="Europe/Paris")
    assert isinstance(answer, Closed)
    assert answer.rule_id == "fr.1"


def test_a_toll_free_number_keeps_the_hours_of_all_states_and_provinces() -> None:
    found = whereabouts("+1833", None, None)
    assert set(found.places) == set(state_names())
    assert {"Pacific/Honolulu", "America/St_Johns"} <= set(found.zones)
    assert "Pacific/Guam" not in found.zones


@pytest.mark.parametrize(
    ("phone", "countries"),
    [("+77011234567", ("KZ",)), ("+79161234567", ("RU",)), ("+17875550100", ("PR",)), ("+16715550100", ("GU",))],
)
def test_countries_that_share_a_code_are_distinguished(phone: str, countries: tuple[str, ...]) -> None:
    assert whereabouts(phone[:5], None, None).places == countries


def test_a_number_of_no_country_is_on_the_accounts_clock() -> None:
    satellite = "+881612345678"
    assert whereabouts(satellite[:5], None, None).zones == ()
    noon_in_tokyo = at("Asia/Tokyo", MONDAY, "12:00")
    assert isinstance(asked(noon_in_tokyo, satellite, default_zone="Asia/Tokyo"), Open)
    assert isinstance(asked(noon_in_tokyo, satellite), Closed)


@pytest.mark.parametrize("state", ["Texas", "US-XX", "CA-TX", "XX", "us-tx", "", "US-TX-1", "T" * 500])
def test_an_unknown_state_is_named(state: str) -> None:
    with pytest.raises(UnknownPlaceError, match=r"recipient_state: .{0,70} is not a code of ISO 3166-2"):
        asked(at(NEW_YORK, MONDAY, "12:00"), state=state)


@pytest.mark.parametrize("zone", ["Mars/Base", "EST5EDT4", "", "../../etc/passwd", "Factory", "america/chicago"])
def test_an_unknown_zone_is_named(zone: str) -> None:
    with pytest.raises(UnknownPlaceError, match=r"recipient_zone: .{0,70} is not an IANA time zone"):
        asked(at(NEW_YORK, MONDAY, "12:00"), zone=zone)


@pytest.mark.parametrize("state", ["US", "GB", "GB-SCT", "FR-75", "US-PR", "US-GU", "CA-QC", "MX-CMX"])
def test_states_of_any_country_may_be_named(state: str) -> None:
    asked(at(NEW_YORK, MONDAY, "12:00"), state=state)


def test_every_zone_and_area_code_has_an_answer_within_three_days() -> None:
    """Of the shipped rules: the longest wait is over a Sunday beside holidays."""
    hours = AccountHours(SETTINGS)
    for now in (datetime(2026, 12, 24, 23, tzinfo=UTC), datetime(2027, 7, 3, 23, tzinfo=UTC)):
        for phone in (*(f"+1{code}5550100" for code in (*_by_area_code(), "800")), "+8835100123", "+79161234567"):
            answer = hours.ask(phone, None, None, now)
            assert not isinstance(answer, Never)
            assert answer.until - now < timedelta(days=4), phone
        for country in _zones_by_country():
            answer = hours.ask("+33612345678", country if country != "AQ" else None, None, now)
            assert not isinstance(answer, Never), country


def test_all_zones_of_the_database_can_be_asked_about() -> None:
    now = datetime(2026, 11, 29, 12, tzinfo=UTC)
    hours = AccountHours(SETTINGS)
    for zone in _all_zones():
        assert not isinstance(hours.ask("+447700900123", None, zone, now), Never), zone


def test_every_area_code_has_places_and_zones_that_exist() -> None:
    for code, spot in _by_area_code().items():
        assert spot.zones, code
        assert set(spot.zones) <= _all_zones()
        for place in spot.places:
            assert place in state_names() or place in _zones_by_country(), code
