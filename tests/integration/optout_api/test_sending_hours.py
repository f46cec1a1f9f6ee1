"""Sending hours by the API: what an account may set, and that campaigns and single messages name what hours need."""

from typing import Any

import pytest
from optout_api_world import Caller

PATH = "/v1/account/sending-hours"
EVERY_DAY = {"mon-sun": "08:00-21:00"}
AT_FIRST = {"applies_to": "off", "own": None, "elsewhere": EVERY_DAY, "default_zone": "UTC"}


async def test_hours_are_off_until_an_account_sets_them_and_what_it_left_out_has_its_default(acme: Caller) -> None:
    assert await acme.get(PATH) == AT_FIRST
    own = {"mon-fri": "09:00-18:00", "sat": "10:00-14:00"}
    given = {"applies_to": "marketing", "own": own, "elsewhere": None, "default_zone": "Europe/Paris"}
    assert (await acme.call("PUT", PATH, json=given)).json() == given
    assert await acme.get(PATH) == given
    assert (await acme.call("PUT", PATH, json={"applies_to": "off"})).json() == AT_FIRST
    assert await acme.get(PATH) == AT_FIRST


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "applies_to"),
        ({"applies_to": "sometimes"}, "applies_to"),
        ({"applies_to": "all", "own": {"mon-sun": "21:00-08:00"}}, "write hours as 09:00-20:30 within one day"),
        ({"applies_to": "all", "own": {"mon-sun": "09:00-10:00"}}, "leave at least 3 hours"),
        ({"applies_to": "all", "own": {"weekdays": "09:00-18:00"}}, "write days as mon or as mon-fri"),
        ({"applies_to": "all", "own": {"mon": "closed"}}, "name the hours of at least one day"),
        ({"applies_to": "all", "own": {f"mon{n}": "09:00-18:00" for n in range(8)}}, "own"),
        ({"applies_to": "all", "default_zone": "Mars/Base"}, "write an IANA time zone"),
        ({"applies_to": "all", "hours": EVERY_DAY}, "hours"),
    ],
)
async def test_hours_that_nobody_could_keep_are_refused_and_nothing_changes(
    acme: Caller, given: dict[str, Any], says: str
) -> None:
    before = await acme.get(PATH)
    answer = await acme.call("PUT", PATH, json=given)
    assert (answer.status_code, says in answer.json()["error"]["message"]) == (422, True), answer.text
    assert await acme.get(PATH) == before
