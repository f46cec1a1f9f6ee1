"""The state of a contact's address, in the many ways in which people write one."""

import pytest

from services.optout.address_region import address_region

AMERICAN, BRITISH = "+12125550100", "+447700900123"


@pytest.mark.parametrize(
    ("state", "country", "expected"),
    [
        ("TX", "US", "US-TX"),
        ("Texas", "United States", "US-TX"),
        (" texas ", "usa", "US-TX"),
        ("US-TX", "", "US-TX"),
        ("new  york", "U.S.A.", "US-NY"),
        ("DC", "US", "US-DC"),
        ("Ontario", "Canada", "CA-ON"),
        ("on", "", "CA-ON"),
        ("CA", "", "US-CA"),
        ("ON", "US", None),
        ("TX", "Canada", None),
        ("", "US", None),
        ("Tejas", "US", None),
        ("", "", None),
        ("Île-de-France", "FR", "FR"),
        ("TX", "Texas", None),
        ("TX", "X" * 500, "US-TX"),
        (None, None, None),
        (7, True, None),
    ],
)
def test_an_address_gives_the_state_that_it_says_for_sure(state: object, country: object, expected: str | None) -> None:
    assert address_region(AMERICAN, {"address_state": state, "address_country": country}) == expected


def test_a_state_without_a_country_counts_only_on_numbers_of_north_america() -> None:
    assert address_region(BRITISH, {"address_state": "TX"}) is None
    assert address_region(BRITISH, {"address_state": "TX", "address_country": "US"}) == "US-TX"
    assert address_region(AMERICAN, {}) is None
