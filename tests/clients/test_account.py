"""The account, its subaccounts and its figures, through ClickSend's own clients of both generations."""

from uuid import uuid4

import pytest
from customer import ApiRefusedError, Customer


async def test_an_account_shows_itself_its_usage_and_its_statistics(customer: Customer) -> None:
    account = await customer.call("GET /v3/account")
    assert account["username"] == customer.account.account_id
    usage = await customer.call("GET /v3/account/usage/{year}/{month}/subaccount", year=2026, month=11)
    assert usage["sms_total"]["count"] >= 0
    statistics = await customer.call("GET /v3/statistics/sms")
    assert statistics["total"]["outbound"]["count"] >= 0


async def test_a_subaccount_is_made_changed_given_another_key_and_deleted(customer: Customer) -> None:
    name = f"u{uuid4().hex[:10]}"
    fields = {
        "api_username": name, "password": "correct-horse-Battery-9", "email": f"{name}@example.com",
        "phone_number": "+14155550142", "first_name": "Ada", "last_name": "Lovelace", "access_users": 0,
        "access_billing": 0, "access_reporting": 1, "access_contacts": 1, "access_settings": 0,
    }  # fmt: skip
    made = await customer.call("POST /v3/subaccounts", fields)
    assert (made["api_username"], made["access_contacts"], made["access_settings"]) == (name, 1, 0)
    path = {"subaccount_id": made["subaccount_id"]}
    shown = await customer.call("GET /v3/subaccounts/{subaccount_id}", **path)
    assert shown["api_username"] == name
    changed = await customer.call("PUT /v3/subaccounts/{subaccount_id}", {**fields, "email": "b@example.com"}, **path)
    assert changed["email"] == "b@example.com"
    listed = (await customer.call("GET /v3/subaccounts"))["data"]
    assert name in [each["api_username"] for each in listed]
    assert (await customer.call("PUT /v3/subaccounts/{subaccount_id}/regen-api-key", **path))["api_key"]
    assert await customer.call("DELETE /v3/subaccounts/{subaccount_id}", **path) in (True, None)
    with pytest.raises(ApiRefusedError) as refused:
        await customer.call("GET /v3/subaccounts/{subaccount_id}", **path)
    assert refused.value.status == 404
