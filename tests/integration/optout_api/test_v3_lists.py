"""ClickSend's lists and contacts: what they show, what is refused with the field that is wrong, and whose they are."""

from typing import Any

import httpx
import pytest
from optout_api_world import Caller, Record

PHONE, SECOND = "+14155550100", "+14155550101"


async def made(caller: Caller, name: str, *phones: str) -> int:
    answer = await caller.call("POST", "/v3/lists", json={"list_name": name})
    assert answer.status_code == 200, answer.text
    list_id: int = answer.json()["data"]["list_id"]
    for phone in phones:
        await added(caller, list_id, phone_number=phone)
    return list_id


async def added(caller: Caller, list_id: int, **fields: Any) -> dict[str, Any]:
    answer = await caller.call("POST", f"/v3/lists/{list_id}/contacts", json=fields)
    assert answer.status_code == 200, answer.text
    contact: dict[str, Any] = answer.json()["data"]
    return contact


async def page(caller: Caller, list_id: int, **query: str | int) -> dict[str, Any]:
    read: dict[str, Any] = (await caller.get(f"/v3/lists/{list_id}/contacts", **query))["data"]
    return read


async def phones(caller: Caller, list_id: int, **query: str | int) -> list[str]:
    return [each["phone_number"] for each in (await page(caller, list_id, **query))["data"]]


async def one(caller: Caller, list_id: int) -> dict[str, Any]:
    read: dict[str, Any] = (await caller.get(f"/v3/lists/{list_id}"))["data"]
    return read


async def special(caller: Caller, name: str) -> int:
    found = (await caller.get("/v3/lists"))["data"]["data"]
    list_id: int = next(each["list_id"] for each in found if each["list_name"] == name)
    return list_id


def refused(answer: httpx.Response, field: str) -> bool:
    return answer.status_code == 400 and list(answer.json()["data"]) == [field]


async def test_who_opts_out_leaves_the_list_and_is_on_the_opt_out_list_with_the_reason(
    acme: Caller, record: Record
) -> None:
    left, kept = await made(acme, "Left", PHONE, SECOND), await made(acme, "Kept", PHONE)
    await record.message(acme.account_id, PHONE, "Stop", answered_list=left)
    assert (await phones(acme, left), await phones(acme, kept)) == ([SECOND], [PHONE])
    assert ((await one(acme, left))["_contacts_count"], (await one(acme, kept))["_contacts_count"]) == (1, 1)
    opt_outs = await special(acme, "Opt Out List")
    (entry,) = (await page(acme, opt_outs))["data"]
    assert (entry["phone_number"], entry["custom_1"], entry["custom_3"]) == (PHONE, "Left", "Stop")
    read = await acme.get(f"/v3/lists/{opt_outs}/contacts/{entry['contact_id']}")
    assert read["data"] == entry
    again = await added(acme, left, phone_number=PHONE)
    assert await phones(acme, left) == [SECOND]
    answer = await acme.call("GET", f"/v3/lists/{left}/contacts/{again['contact_id']}")
    assert answer.status_code == 404
    await record.message(acme.account_id, PHONE, "START", answered_list=left)
    assert await phones(acme, left) == [PHONE, SECOND, PHONE]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"phone_number": "nobody"}, "phone_number"),
        ({"phone_number": "1.4155E+10"}, "phone_number"),
        ({"phone_number": 1.4155e10}, "phone_number"),
        ({"phone_number": "4155550100"}, "phone_number"),
        ({"phone_number": PHONE + "\0"}, "phone_number"),
        ({"phone_number": ["+14155550100"]}, "phone_number"),
        ({"phone_number": PHONE, "first_name": "A\0"}, "first_name"),
        ({"phone_number": PHONE, "last_name": "x" * 1001}, "last_name"),
        ({"first_name": "Ada"}, "phone_number"),
        ({"phone_number": "  ", "email": ""}, "phone_number"),
    ],
)
async def test_a_contact_that_is_wrong_is_refused_by_its_field(acme: Caller, fields: Any, field: str) -> None:
    list_id = await made(acme, "News")
    assert refused(await acme.call("POST", f"/v3/lists/{list_id}/contacts", json=fields), field)
    assert await phones(acme, list_id) == []
