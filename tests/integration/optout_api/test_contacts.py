"""Lists and contacts: what is taken, what is refused, and that nothing is written by halves."""

from typing import Any

import pytest
from optout_api_world import ADMIN_TOKEN, Caller, Record

from services.optout.api.pages import MAX_PAGE_BYTES

PHONE, SECOND = "+14155550100", "+14155550101"


async def test_contacts_are_added_then_updated_and_read_back_in_pages(acme: Caller) -> None:
    list_id = await acme.new_list("Newsletter")
    phones = [f"+141555502{n:02d}" for n in range(7)]
    path = f"/v1/lists/{list_id}/contacts"
    first = await acme.call("POST", path, json={"contacts": [{"phone": p, "fields": {"n": 1}} for p in phones[:5]]})
    second = await acme.call("POST", path, json={"contacts": [{"phone": p, "fields": {"n": 2}} for p in phones[3:]]})
    assert (first.json(), second.json()) == ({"added": 5, "updated": 0}, {"added": 2, "updated": 2})
    seen: list[dict[str, Any]] = []
    page: dict[str, Any] = await acme.get(path, limit=3)
    while page["next"]:
        seen += page["contacts"]
        page = await acme.get(path, limit=3, after=page["next"])
    seen += page["contacts"]
    assert [c["phone"] for c in seen] == phones
    assert [c["fields"]["n"] for c in seen] == [1, 1, 1, 2, 2, 2, 2]


async def test_a_phone_given_twice_or_in_another_spelling_is_one_contact(acme: Caller) -> None:
    list_id = await acme.new_list("Newsletter")
    spelled = [{"phone": "14155550100"}, {"phone": "+1 (415) 555-0100", "fields": {"name": "Ann"}}]
    answer = await acme.call("POST", f"/v1/lists/{list_id}/contacts", json={"contacts": spelled})
    assert answer.json() == {"added": 1, "updated": 0}
    read = await acme.get(f"/v1/lists/{list_id}/contacts")
    assert read["contacts"] == [{"phone": PHONE, "fields": {"name": "Ann"}, "status": "active"}]


async def test_one_bad_contact_keeps_the_whole_call_from_being_written_and_is_named(acme: Caller) -> None:
    list_id = await acme.new_list("Newsletter")
    body = {"contacts": [{"phone": PHONE}, {"phone": "0800-CALL-ME"}, {"phone": SECOND}]}
    answer = await acme.call("POST", f"/v1/lists/{list_id}/contacts", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["field"]) == (422, "invalid", "contacts.1.phone")
    assert "write it in E.164, such as +14155550100" in error["message"]
    assert await acme.statuses(list_id) == {}


_BAD = [
    ({"contacts": []}, "contacts"),
    ({"contacts": [{"phone": PHONE}] * 1001}, "contacts"),
    ({"contacts": [{"phone": PHONE, "fields": {f"f{n}": n for n in range(51)}}]}, "contacts.0.fields"),
    ({"contacts": [{"phone": PHONE, "fields": {"a": "\0"}}]}, "contacts.0.fields.a.constrained-str"),
    ({"contacts": [{"phone": PHONE, "fields": {"a": {"nested": 1}}}]}, "contacts.0.fields.a"),
    ({"contacts": [{"phone": PHONE, "fields": {"a": 2**53}}]}, "contacts.0.fields.a"),
    ({"contacts": [{"phone": PHONE, "fields": {"a": "x" * 1001}}]}, "contacts.0.fields.a"),
    ({"contacts": [{"phone": PHONE, "status": "active"}]}, "contacts.0.status"),
    ({"contacts": [{"phone": 14155550100}]}, "contacts.0.phone"),
    ({}, "contacts"),
    ([], "body"),
]


@pytest.mark.parametrize(("body", "field"), _BAD)
async def test_what_is_out_of_its_limits_is_refused_with_the_field_that_is(acme: Caller, body: Any, field: str) -> None:
    list_id = await acme.new_list("Newsletter")
    answer = await acme.call("POST", f"/v1/lists/{list_id}/contacts", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["field"].startswith(field.removesuffix(".constrained-str"))


_RAW = [
    (b'{"contacts": ', 400, "invalid_json"),
    (b'{"contacts": [{"phone": "+14155550100", "fields": {"a": NaN}}]}', 422, "invalid"),
    (b'{"contacts": [{"phone": "+14155550100", "fields": {"a": 1e999}}]}', 422, "invalid"),
    (rb'{"contacts": [{"phone": "+14155550100", "fields": {"\ud800": 1}}]}', 422, "invalid"),
    (rb'{"contacts": [{"phone": "+14155550100", "fields": {"a": "\ud800"}}]}', 422, "invalid"),
    (b'{"contacts": [{"phone": "+1\xff"}]}', 400, "bad_request"),
    (b'{"contacts": ' + b"[" * 100_000, 400, "bad_request"),
    (b" " * (1024 * 1024 + 1), 413, "too_large"),
]


@pytest.mark.parametrize(("content", "status", "code"), _RAW)
async def test_bytes_that_are_not_sound_json_are_refused(acme: Caller, content: bytes, status: int, code: str) -> None:
    list_id = await acme.new_list("Newsletter")
    headers = {"Content-Type": "application/json"}
    answer = await acme.call("POST", f"/v1/lists/{list_id}/contacts", content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_a_list_name_is_taken_once_and_kept_short(acme: Caller, other: Caller) -> None:
    await acme.new_list("Newsletter")
    await other.new_list("Newsletter")
    again = await acme.call("POST", "/v1/lists", json={"name": " Newsletter "})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "list_exists")
    for name in ("", "   ", "x" * 201, "a\0b", 7):
        assert (await acme.call("POST", "/v1/lists", json={"name": name})).status_code == 422


async def test_lists_are_read_in_pages_and_only_by_their_own_cursors(acme: Caller) -> None:
    made = [await acme.new_list(f"List {n}") for n in range(3)]
    first = await acme.get("/v1/lists", limit=3)
    rest = await acme.get("/v1/lists", limit=3, after=first["next"])
    assert [row["list_id"] for row in first["lists"] + rest["lists"] if row["kind"] == "contacts"] == made
    assert rest["next"] is None
    for after in ("x", "W10", "WyJhIl0", "Wy0xXQ", "é", "\0", first["next"] * 200):
        answer = await acme.call("GET", "/v1/lists", params={"after": after})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_cursor"), after


@pytest.mark.parametrize("limit", [0, 1001, "many"])
async def test_a_page_has_a_largest_size(acme: Caller, limit: Any) -> None:
    answer = await acme.call("GET", "/v1/lists", params={"limit": limit})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "limit")


@pytest.mark.parametrize("list_id", ["0", "-1", "9" * 30, "one"])
async def test_a_list_id_is_a_positive_whole_number(acme: Caller, list_id: str) -> None:
    answer = await acme.call("GET", f"/v1/lists/{list_id}/contacts")
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "list_id")


async def test_status_follows_the_list_and_the_account_and_no_other_list(
    acme: Caller, other: Caller, record: Record
) -> None:
    left, kept = await acme.new_list("Left", PHONE, SECOND), await acme.new_list("Kept", PHONE)
    others = await other.new_list("Theirs", PHONE)
    await record.message(acme.account_id, PHONE, "stop", answered_list=left)
    assert await acme.statuses(left) == {PHONE: "opted_out", SECOND: "active"}
    assert await acme.statuses(kept) == {PHONE: "active"}
    await record.message(acme.account_id, PHONE, "stop")
    assert await acme.statuses(kept) == {PHONE: "opted_out"}
    assert await other.statuses(others) == {PHONE: "active"}


async def test_a_contact_added_again_after_a_stop_stays_opted_out(acme: Caller, record: Record) -> None:
    list_id = await acme.new_list("Left", PHONE)
    await record.message(acme.account_id, PHONE, "stop", answered_list=list_id)
    await acme.call("POST", f"/v1/lists/{list_id}/contacts", json={"contacts": [{"phone": PHONE}]})
    assert await acme.statuses(list_id) == {PHONE: "opted_out"}


async def test_a_path_that_is_none_is_answered_in_the_envelope(acme: Caller) -> None:
    answer = await acme.call("DELETE", "/v1/everything")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == "there is no DELETE /v1/everything"


async def test_a_number_without_a_country_code_is_of_the_accounts_country(acme: Caller) -> None:
    list_id = await acme.new_list("news")
    national = {"contacts": [{"phone": "3125550100"}, {"phone": "(415) 555-0100"}]}
    path = f"/v1/lists/{list_id}/contacts"
    refused = await acme.call("POST", path, json=national)
    error = refused.json()["error"]
    assert (refused.status_code, error["field"]) == (422, "contacts.0.phone")
    assert "country code" in error["message"]
    operator = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    for body, status in (({"country": "xx"}, 422), ({"country": "us"}, 200)):
        answer = await acme.http.patch(f"/v1/accounts/{acme.account_id}", json=body, headers=operator)
        assert answer.status_code == status
    assert (
        await acme.http.patch("/v1/accounts/nobody-here", json={"country": None}, headers=operator)
    ).status_code == 404
    assert (await acme.call("POST", path, json=national)).json() == {"added": 2, "updated": 0}
    assert sorted(await acme.statuses(list_id)) == ["+13125550100", "+14155550100"]


async def test_every_spelling_of_a_phone_is_looked_up_as_one(acme: Caller, record: Record) -> None:
    await record.message(acme.account_id, "+525512345678", "STOP")
    for spelling in ("+5215512345678", "525512345678", "+52 1 55 1234 5678", "00525512345678"):
        found = await acme.get(f"/v1/suppressions/{spelling}")
        assert (found["phone"], [each["state"] for each in found["suppressions"]]) == ("+525512345678", ["opted_out"])
        for path, name in (("/v1/evidence", "entries"), ("/v1/inbox", "messages"), ("/v1/opt-outs", "opt_outs")):
            assert len((await acme.get(path, phone=spelling))[name]) == 1


async def test_a_page_ends_at_its_bytes_and_the_next_goes_on_after_it(acme: Caller) -> None:
    """1,000 contacts with all the fields that they may have are 48 MB, which one page was."""
    path = f"/v1/lists/{await acme.new_list('Everything')}/contacts"
    fields = {f"field {n}": "ä" * 1000 for n in range(50)}
    phones = [f"+1415555{number:04d}" for number in range(100, 124)]
    for first in range(0, len(phones), 8):
        contacts = [{"phone": phone, "fields": fields} for phone in phones[first : first + 8]]
        assert (await acme.call("POST", path, json={"contacts": contacts})).status_code == 200
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        answer = await acme.call("GET", path, params={"limit": 1000, **after})
        assert len(answer.content) < 1.5 * MAX_PAGE_BYTES
        seen += [contact["phone"] for contact in answer.json()["contacts"]]
        if answer.json()["next"] is None:
            break
        after = {"after": answer.json()["next"]}
    assert seen == phones
