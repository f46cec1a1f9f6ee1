"""Lists and contacts, as ClickSend's own clients of both generations manage them."""

import base64
from typing import Any

import pytest
from customer import ApiRefusedError, Customer, eventually

from harness.story.stage import any_phone

FIELDS = {
    "first_name": "Ada", "last_name": "Lovelace", "custom_1": "a", "custom_2": "b", "custom_3": "c", "custom_4": "d",
    "email": "ada@example.com", "fax_number": "+14155550142", "organization_name": "Engines", "address_line_1": "A St",
    "address_line_2": "", "address_city": "London", "address_state": "LDN", "address_postal_code": "N1",
    "address_country": "GB",
}  # fmt: skip


async def test_a_list_is_made_shown_renamed_and_deleted(customer: Customer) -> None:
    made = await customer.call("POST /v3/lists", {"list_name": "News"})
    list_id = made["list_id"]
    assert (made["list_name"], made["_contacts_count"]) == ("News", 0)
    assert (await customer.call("GET /v3/lists/{list_id}", list_id=list_id))["list_id"] == list_id
    renamed = await customer.call("PUT /v3/lists/{list_id}", {"list_name": "Monthly news"}, list_id=list_id)
    assert renamed["list_name"] == "Monthly news"
    names = {each["list_name"] for each in (await customer.call("GET /v3/lists"))["data"]}
    assert {"Opt Out List", "Monthly news"} <= names
    assert await customer.call("DELETE /v3/lists/{list_id}", list_id=list_id) in ([], None)
    with pytest.raises(ApiRefusedError) as refused:
        await customer.call("GET /v3/lists/{list_id}", list_id=list_id)
    assert refused.value.status == 404


async def test_a_contact_keeps_every_field_until_it_is_deleted(customer: Customer) -> None:
    list_id, phone = await customer.new_list("Fields"), any_phone()
    body = {"phone_number": phone, **FIELDS}
    made = await customer.call("POST /v3/lists/{list_id}/contacts", body, list_id=list_id)
    where = {"list_id": list_id, "contact_id": made["contact_id"]}
    assert _without(made, "contact_id", "list_id", "date_added", "date_updated", "_list_name") == _given(body, made)
    assert await customer.call("GET /v3/lists/{list_id}/contacts/{contact_id}", **where) == made
    changed = {**body, "first_name": "Augusta"}
    updated = await customer.call("PUT /v3/lists/{list_id}/contacts/{contact_id}", changed, **where)
    assert (updated["first_name"], updated["contact_id"]) == ("Augusta", made["contact_id"])
    (listed,) = (await customer.call("GET /v3/lists/{list_id}/contacts", list_id=list_id))["data"]
    assert listed["first_name"] == "Augusta"
    assert (await customer.call("GET /v3/lists/{list_id}", list_id=list_id))["_contacts_count"] == 1
    assert await customer.call("DELETE /v3/lists/{list_id}/contacts/{contact_id}", **where) in ([], None)
    assert await customer.phones(list_id) == []


def _without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names and value not in (None, "")}


def _given(body: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value and name in made}


async def test_a_contact_that_has_no_number_and_no_address_is_refused_by_field(customer: Customer) -> None:
    list_id = await customer.new_list("Refused")
    body = {"phone_number": "nobody", "custom_1": ""}
    with pytest.raises(ApiRefusedError) as refused:
        await customer.call("POST /v3/lists/{list_id}/contacts", body, list_id=list_id)
    assert refused.value.status == 400
    assert "phone_number" in refused.value.body


async def test_a_contact_is_copied_and_transferred(customer: Customer) -> None:
    phone = any_phone()
    first, second = await customer.new_list("From"), await customer.new_list("To")
    path = {"from_list_id": first, "contact_id": await customer.new_contact(first, phone), "to_list_id": second}
    copied = await customer.call("PUT /v3/lists/{from_list_id}/contacts/{contact_id}/copy/{to_list_id}", **path)
    assert copied["phone_number"] == phone
    assert await customer.phones(first) == await customer.phones(second) == [phone]
    third, fourth = await customer.new_list("Third"), await customer.new_list("Fourth")
    await customer.call(
        "PUT /v3/lists/{from_list_id}/contacts/{contact_id}/transfer/{to_list_id}", {}, **{**path, "to_list_id": third}
    )
    assert (await customer.phones(first), await customer.phones(third)) == ([], [phone])
    again = await customer.call("GET /v3/lists/{list_id}/contacts", list_id=third)
    path = {"from_list_id": third, "contact_id": again["data"][0]["contact_id"], "to_list_id": fourth}
    await customer.call("PUT /v3/lists/{from_list_id}/contacts/{contact_id}/{to_list_id}", **path)
    assert (await customer.phones(third), await customer.phones(fourth)) == ([], [phone])


async def test_duplicates_are_removed(customer: Customer) -> None:
    phone, another = any_phone(), any_phone()
    list_id = await customer.new_list("Duplicates", phone, another, phone)
    removed = await customer.call(
        "PUT /v3/lists/{list_id}/remove-duplicates/", {"fields": {"first_name": ""}}, list_id=list_id
    )
    assert removed.get("deleted", 1) == 1
    assert sorted(await customer.phones(list_id)) == sorted([phone, another])


async def test_contacts_and_lists_are_found(customer: Customer) -> None:
    phone = any_phone()
    await customer.new_list("Seekers of gold", phone)
    for q, name in ((phone, "contact"), ("Seekers of gold", "list")):
        found = await customer.call("GET /v3/search/contacts-lists", query={"q": q})
        assert name in [each["type"] for each in found["data"]]


async def test_a_file_is_uploaded_looked_at_and_imported(customer: Customer) -> None:
    list_id, phones = await customer.new_list("Imported"), [any_phone(), any_phone()]
    rows = "".join(f"{phone},Ada{number}\n" for number, phone in enumerate(phones))
    content = base64.b64encode(rows.encode()).decode()
    url = (await customer.call("POST /v3/uploads", {"content": content}, {"convert": "csv"}))["_url"]
    preview = await customer.call("POST /v3/lists/{list_id}/import-csv-preview", {"file_url": url}, list_id=list_id)
    assert preview["row"] == [phones[0], "Ada0"]
    fields = await customer.call("GET /v3/lists/{list_id}/import-fields", list_id=list_id)
    assert {"phone", "first_name"} <= {each["field"] for each in fields}
    order: Any = ["phone", "first_name"] if customer.generation == 1 else "phone,first_name"
    await customer.call("POST /v3/lists/{list_id}/import", {"file_url": url, "field_order": order}, list_id=list_id)

    async def the_list() -> dict[str, Any]:
        read: dict[str, Any] = await customer.call("GET /v3/lists/{list_id}", list_id=list_id)
        return read

    await eventually(the_list, lambda read: (read["_import_in_progress"], read["_contacts_count"]) == (0, 2))
    contacts = (await customer.call("GET /v3/lists/{list_id}/contacts", list_id=list_id))["data"]
    assert {(each["phone_number"], each["first_name"]) for each in contacts} == {
        (phones[0], "Ada0"),
        (phones[1], "Ada1"),
    }
    export = await customer.call("GET /v3/lists/{list_id}/export", query={"filename": "a.csv"}, list_id=list_id)
    assert export["url"].startswith("http")
