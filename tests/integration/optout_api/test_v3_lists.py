"""ClickSend's lists and contacts: what they show, what is refused with the field that is wrong, and whose they are."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from optout_api_world import ADMIN_TOKEN, Caller, Record

from services.optout.api.v3 import list_members
from shared.http import lifecycle_of
from shared.postgres import Pool

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
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
    assert (await acme.get(f"/v3/lists/{opt_outs}/contacts/{entry['contact_id']}"))["data"] == entry
    again = await added(acme, left, phone_number=PHONE)
    assert await phones(acme, left) == [SECOND]
    assert (await acme.call("GET", f"/v3/lists/{left}/contacts/{again['contact_id']}")).status_code == 404
    await record.message(acme.account_id, PHONE, "START", answered_list=left)
    assert await phones(acme, left) == [PHONE, SECOND, PHONE]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"phone_number": "nobody"}, "phone_number"),
        ({"phone_number": "1.4155E+10"}, "phone_number"),
        ({"phone_number": 44791112345.0}, "phone_number"),
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


async def test_contacts_come_in_pages_and_by_when_they_were_changed(acme: Caller, pool: Pool) -> None:
    list_id = await made(acme, "News")
    given = [f"+1415555{n:04d}" for n in range(100, 132)]
    body = {"contacts": [{"phone": phone, "fields": {"number": 7, "first_name": True}} for phone in given]}
    await acme.call("POST", f"/v1/lists/{list_id}/contacts", json=body)
    seen: list[str] = []
    for number in (1, 2, 3):
        read = await page(acme, list_id, page=number)
        assert (read["total"], read["last_page"], read["per_page"]) == (32, 3, 15)
        seen += [each["phone_number"] for each in read["data"]]
    assert seen == given
    assert {each["first_name"] for each in read["data"]} == {"true"}  # /v1 takes fields of any type
    assert read["prev_page_url"].endswith(f"/v3/lists/{list_id}/contacts?page=2")
    past = await page(acme, list_id, page=10**9)
    assert (past["data"], past["from"], past["total"]) == ([], None, 32)
    old = "UPDATE contacts SET updated_at = to_timestamp(1000) WHERE list_id = $1 AND phone < $2"
    await pool.execute(old, list_id, given[20])
    assert await phones(acme, list_id, updated_after=1001) == given[20:]
    assert (await page(acme, list_id, updated_after=1000))["total"] == 32
    for query in ({"page": 0}, {"page": -1}, {"page": "x"}, {"updated_after": -1}, {"updated_after": "2" * 30}):
        answer = await acme.call("GET", f"/v3/lists/{list_id}/contacts", params=query)
        assert refused(answer, next(iter(query))), answer.text


async def test_a_change_keeps_what_it_does_not_name_and_leaves_a_contact_reachable(acme: Caller) -> None:
    list_id = await made(acme, "News")
    contact = await added(acme, list_id, phone_number=PHONE, first_name="Ada", custom_1=7, email="a@example.com")
    path = f"/v3/lists/{list_id}/contacts/{contact['contact_id']}"
    changed = (await acme.call("PUT", path, json={"last_name": "Lovelace", "email": None})).json()["data"]
    assert (changed["first_name"], changed["last_name"], changed["custom_1"]) == ("Ada", "Lovelace", "7")
    assert (changed["phone_number"], changed["email"], changed["_list_name"]) == (PHONE, None, "News")
    assert refused(await acme.call("PUT", path, json={"phone_number": ""}), "phone_number")
    moved = (await acme.call("PUT", path, json={"phone_number": "", "fax_number": "+14155550199"})).json()["data"]
    assert (moved["phone_number"], moved["fax_number"]) == (None, "+14155550199")
    assert (await acme.call("DELETE", f"{path}/")).json()["data"] == []
    for method, body in (("GET", None), ("PUT", {"first_name": "x"}), ("DELETE", None)):
        assert (await acme.call(method, path, json=body)).status_code == 404


async def test_a_number_without_a_country_code_is_of_the_accounts_country_in_a_list_too(acme: Caller) -> None:
    operator = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    await acme.http.patch(f"/v1/accounts/{acme.account_id}", json={"country": "GB"}, headers=operator)
    list_id = await made(acme, "News")
    assert (await added(acme, list_id, phone_number="07911 123456"))["phone_number"] == "+447911123456"
    assert (await added(acme, list_id, phone_number=447911123457))["phone_number"] == "+447911123457"


@pytest.mark.parametrize("list_id", ["0", "-1", "x", "9" * 30, "1; DROP TABLE contacts"])
async def test_an_id_that_is_none_is_refused(acme: Caller, list_id: str) -> None:
    for path in (f"/v3/lists/{list_id}", f"/v3/lists/{list_id}/contacts"):
        assert refused(await acme.call("GET", path), "list_id")


async def test_nothing_of_another_account_is_there(acme: Caller, other: Caller) -> None:
    theirs, ours = await made(other, "Theirs"), await made(acme, "Ours")
    contact = (await added(other, theirs, phone_number=PHONE))["contact_id"]
    own = (await added(acme, ours, phone_number=SECOND))["contact_id"]
    opt_outs = await special(other, "Opt Out List")
    calls: list[tuple[str, str, Any]] = [
        ("GET", f"/v3/lists/{theirs}", None),
        ("PUT", f"/v3/lists/{theirs}", {"list_name": "Mine"}),
        ("DELETE", f"/v3/lists/{theirs}", None),
        ("GET", f"/v3/lists/{theirs}/contacts", None),
        ("POST", f"/v3/lists/{theirs}/contacts", {"phone_number": SECOND}),
        ("POST", f"/v3/lists/{opt_outs}/contacts", {"phone_number": SECOND}),
        *((method, f"/v3/lists/{each}/contacts/{contact}", {"first_name": "x"} if method == "PUT" else None)
          for method in ("GET", "PUT", "DELETE") for each in (theirs, ours)),
        *(("PUT", f"/v3/lists/{path}", None)
          for each in ("copy/", "transfer/", "")
          for path in (f"{theirs}/contacts/{contact}/{each}{ours}", f"{ours}/contacts/{contact}/{each}{theirs}",
                       f"{ours}/contacts/{own}/{each}{theirs}", f"{ours}/contacts/{own}/{each}{opt_outs}")),
    ]  # fmt: skip
    for method, path, body in calls:
        answer = await acme.call(method, path, json=body)
        assert answer.status_code == 404, (method, path, answer.text)
    assert await phones(other, theirs) == [PHONE]
    assert await phones(acme, ours) == [SECOND]
    found = (await acme.get("/v3/search/contacts-lists", q=PHONE))["data"]
    assert found["data"] == []


async def test_lists_are_named_once_renamed_and_deleted(acme: Caller, record: Record) -> None:
    news = await made(acme, "'; DROP TABLE contact_lists; --", PHONE)
    taken = await made(acme, "Taken")
    path = f"/v3/lists/{news}"
    for name in ("Taken", "Opt Out List", "", " ", "x" * 201, "a\0b", None):
        assert refused(await acme.call("PUT", path, json={"list_name": name}), "list_name")
        assert refused(await acme.call("POST", "/v3/lists", json={"list_name": name}), "list_name")
    renamed = (await acme.call("PUT", path, json={"list_name": " News "})).json()["data"]
    assert (renamed["list_name"], renamed["_contacts_count"]) == ("News", 1)
    assert (await acme.call("PUT", path, json={"list_name": "News"})).status_code == 200
    await record.message(acme.account_id, PHONE, "Stop", answered_list=news)
    assert (await acme.call("DELETE", path)).json()["data"] == []
    assert (await acme.call("DELETE", path)).status_code == 404
    assert (await acme.call("POST", f"{path}/contacts", json={"phone_number": SECOND})).status_code == 404
    again = await made(acme, "News")
    found = (await acme.get("/v3/lists", limit=100))["data"]
    assert [each["list_id"] for each in found["data"]][2:] == [taken, again]
    (entry,) = (await page(acme, await special(acme, "Opt Out List")))["data"]
    assert (entry["phone_number"], entry["custom_1"]) == (PHONE, "News")
    for name in ("Opt Out List", "Default List"):
        kept = f"/v3/lists/{await special(acme, name)}"
        assert refused(await acme.call("DELETE", kept), "list_id")
        assert refused(await acme.call("PUT", kept, json={"list_name": "Other"}), "list_id")


async def test_a_copy_or_a_move_lifts_no_opt_out_and_of_two_moves_one_is_made(
    acme: Caller, record: Record, pool: Pool
) -> None:
    first, second, third = await made(acme, "1"), await made(acme, "2", PHONE), await made(acme, "3")
    contact = await added(acme, first, phone_number=PHONE, first_name="Ada")
    await record.message(acme.account_id, PHONE, "Stop", answered_list=second)
    path = f"/v3/lists/{first}/contacts/{contact['contact_id']}"
    copied = (await acme.call("PUT", f"{path}/copy/{second}")).json()["data"]
    assert (copied["list_id"], copied["first_name"]) == (second, "Ada")
    assert await phones(acme, second) == []
    assert refused(await acme.call("PUT", f"{path}/transfer/{first}"), "to_list_id")
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM contacts WHERE contact_id = $1 FOR UPDATE", contact["contact_id"])
        moves = [asyncio.create_task(acme.call("PUT", f"{path}/transfer/{third}")) for _ in range(2)]
        while await pool.fetchval(WAITING) < len(moves):  # noqa: ASYNC110 (Postgres knows)
            await asyncio.sleep(0)
    assert sorted([(await each).status_code for each in moves]) == [200, 404]
    assert (await phones(acme, first), await phones(acme, third)) == ([], [PHONE])
    (moved,) = (await page(acme, third))["data"]
    old = f"/v3/lists/{third}/contacts/{moved['contact_id']}/{second}"  # the address of older clients
    assert (await acme.call("PUT", old)).status_code == 200
    assert (await phones(acme, third), await phones(acme, second)) == ([], [])


async def test_an_entry_of_the_opt_out_list_is_neither_changed_nor_moved_and_goes_with_a_reason_only(
    acme: Caller, record: Record
) -> None:
    news, opt_outs = await made(acme, "News", PHONE), await special(acme, "Opt Out List")
    await record.message(acme.account_id, PHONE, "Stop", answered_list=news)
    (entry,) = (await page(acme, opt_outs))["data"]
    path = f"/v3/lists/{opt_outs}/contacts/{entry['contact_id']}"
    assert refused(await acme.call("PUT", path, json={"first_name": "x"}), "list_id")
    assert refused(await acme.call("PUT", f"{path}/copy/{news}"), "list_id")
    assert refused(await acme.call("PUT", f"{path}/transfer/{news}"), "list_id")
    assert refused(await acme.call("DELETE", path), "reason")
    assert refused(await acme.call("DELETE", path, params={"reason": " "}), "reason")
    assert refused(await acme.call("POST", f"/v3/lists/{opt_outs}/contacts", json={"email": "a@b.c"}), "phone_number")
    answer = await acme.call("POST", f"/v1/lists/{opt_outs}/contacts", json={"contacts": [{"phone": SECOND}]})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "list_id")
    assert await phones(acme, opt_outs) == [PHONE]
    for kind in ("phone", PHONE):
        found = (await acme.get("/v3/search/contacts-lists", q=kind))["data"]["data"]
        assert [each["id"] for each in found] == ([entry["contact_id"]] if kind == PHONE else [])


async def test_contacts_and_lists_are_found_by_parts_and_by_whole_numbers(acme: Caller, record: Record) -> None:
    list_id = await made(acme, "100%_news")
    ada = await added(acme, list_id, phone_number=PHONE, first_name="Ada", last_name="Lovelace")
    bob = await added(acme, list_id, phone_number=SECOND, email="bob@news.example", first_name="A%a")

    async def found(q: str) -> list[Any]:
        read = (await acme.get("/v3/search/contacts-lists", q=q))["data"]
        assert read["total"] == len(read["data"])
        return [each["id"] for each in read["data"]]

    assert await found("ada love") == [ada["contact_id"]]
    assert await found("NEWS") == [list_id, bob["contact_id"]]
    assert await found("0%_n") == [list_id]
    assert await found("a%a") == [bob["contact_id"]]
    assert await found("55501") == [ada["contact_id"], bob["contact_id"]]
    assert await found("1 (415) 555-0100") == [ada["contact_id"]]
    await record.message(acme.account_id, SECOND, "Stop", answered_list=list_id)
    assert await found("news") == [list_id]
    assert (await acme.get("/v3/search/contacts-lists", q="100%"))["data"]["data"][0]["contacts_count"] == 1
    for q in ("", "x" * 201, "a\0"):
        assert refused(await acme.call("GET", "/v3/search/contacts-lists", params={"q": q}), "q")


async def test_a_page_far_back_is_read_from_an_anchor_and_shows_nobody_who_has_just_left(
    acme: Caller, pool: Pool, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_members, "EXACT_MEMBERS", 500)
    list_id = await made(acme, "Large")
    add = """INSERT INTO contacts (account_id, list_id, phone)
        SELECT $1, $2, '+1' || (4155550000 + n) FROM generate_series(1, 700) AS n"""
    await pool.execute(add, acme.account_id, list_id)
    last = await phones(acme, list_id, page=47)
    assert last == [f"+1{4155550000 + n}" for n in range(691, 701)]
    await record.message(acme.account_id, last[0], "Stop", answered_list=list_id)
    assert await phones(acme, list_id, page=47) == last[1:]
    assert (await page(acme, list_id, page=7, limit=100))["data"][0]["phone_number"] == "+14155550601"
    await pool.execute(add, acme.account_id, list_id)  # by another process: the index is not older than seconds
    assert (await page(acme, list_id))["total"] == (await one(acme, list_id))["_contacts_count"] == 700


async def test_a_list_that_is_deleted_during_an_import_stays_deleted(acme: Caller, app: FastAPI) -> None:
    list_id, headers = await made(acme, "News"), {"Content-Type": "text/csv"}
    file = await acme.call("POST", "/v3/uploads", content=f"{PHONE},Ann\n", headers=headers)
    body = {"file_url": file.json()["data"]["_url"], "field_order": "phone,first_name"}
    job = await acme.call("POST", f"/v3/lists/{list_id}/import", json=body)
    assert (await one(acme, list_id))["_import_in_progress"] == 1
    assert (await acme.call("DELETE", f"/v3/lists/{list_id}")).status_code == 200
    working = asyncio.create_task(lifecycle_of(app).runtime.jobs.run())
    ended = await acme.ended(job.json()["data"]["id"])
    working.cancel()
    assert (ended["state"], ended["error"]) == ("failed", "the list was deleted meanwhile")
    assert (await acme.get("/v3/search/contacts-lists", q=PHONE))["data"]["total"] == 0
