"""Sending hours by the API: what an account may set, and that campaigns and single messages name what hours need."""

from typing import Any

import pytest
from optout_api_world import NUMBER, Caller
from test_sms_to_lists import Publisher

from services.optout.sending.publish import DueMessages
from shared.postgres import Pool

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


async def test_what_hours_need_goes_from_a_message_and_from_a_members_address_to_the_request(
    acme: Caller, pool: Pool
) -> None:
    list_id = await acme.new_list("everybody")
    texan = {"phone": "+14155550171", "fields": {"address_state": "Texas", "address_country": "US"}}
    await acme.call("POST", f"/v1/lists/{list_id}/contacts", json={"contacts": [texan, {"phone": "+14155550172"}]})
    to_list = {"list_id": str(list_id), "body": "Sale", "from": NUMBER, "purpose": "marketing"}
    code = {
        "to": "+14155550173",
        "body": "1234",
        "from": NUMBER,
        "purpose": "transactional",
        "recipient_state": "US-CA",
    }
    wrong = {**code, "recipient_state": "California"}
    answer = await acme.call("POST", "/v3/sms/send", json={"messages": [to_list, code, wrong]})
    statuses = [each["status"] for each in answer.json()["data"]["messages"]]
    assert statuses == ["SUCCESS", "SUCCESS", "SUCCESS", "INVALID_RECIPIENT_STATE"]
    publisher = Publisher(pool)
    await DueMessages(pool, publisher).publish_due()  # type: ignore[arg-type]
    mine = [each for each in publisher.published if each.account_id == acme.account_id]
    assert sorted((each.phone[-1], each.purpose, each.recipient_state) for each in mine) == [
        ("1", "marketing", "US-TX"),
        ("2", "marketing", None),
        ("3", "transactional", "US-CA"),
    ]
