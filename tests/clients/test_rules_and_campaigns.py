"""Rules and campaigns, through ClickSend's own clients of both generations."""

import time
from typing import Any

import pytest
from customer import ApiRefusedError, Customer, eventually

from harness.sandbox.client import SandboxClient
from harness.story.stage import any_phone

NUMBER = "+18335550123"


async def test_an_inbound_rule_is_made_shown_changed_and_deleted(customer: Customer) -> None:
    rule = {
        "dedicated_number": "*", "rule_name": "Move", "message_search_type": 1, "message_search_term": "leave",
        "action": "MOVE_CONTACT", "action_address": str(await customer.opt_out_list()), "enabled": 1,
    }  # fmt: skip
    made = await customer.call("POST /v3/automations/sms/inbound", rule)
    path = {"inbound_rule_id": made["inbound_rule_id"]}
    assert {name: made[name] for name in rule} == rule
    assert await customer.call("GET /v3/automations/sms/inbound/{inbound_rule_id}", **path) == made
    changed = {**rule, "enabled": 0}
    updated = await customer.call("PUT /v3/automations/sms/inbound/{inbound_rule_id}", changed, **path)
    assert updated["enabled"] == 0
    page = await customer.call("GET /v3/automations/sms/inbound")
    assert page["total"] == len(page["data"]) or page["last_page"] > 1
    assert await customer.call("DELETE /v3/automations/sms/inbound/{inbound_rule_id}", **path) in ([], None)
    with pytest.raises(ApiRefusedError) as refused:
        await customer.call("GET /v3/automations/sms/inbound/{inbound_rule_id}", **path)
    assert refused.value.status == 404


async def test_a_receipt_rule_is_made_shown_changed_and_deleted(customer: Customer) -> None:
    rule = {
        "rule_name": "Receipts", "match_type": 0, "action": "URL", "action_address": "https://hooks.example.com/",
        "enabled": 1,
    }  # fmt: skip
    made = await customer.call("POST /v3/automations/sms/receipts", rule)
    path = {"receipt_rule_id": made["receipt_rule_id"]}
    assert await customer.call("GET /v3/automations/sms/receipts/{receipt_rule_id}", **path) == made
    changed = {**rule, "enabled": 0}
    updated = await customer.call("PUT /v3/automations/sms/receipts/{receipt_rule_id}", changed, **path)
    assert updated["enabled"] == 0
    listed = (await customer.call("GET /v3/automations/sms/receipts"))["data"]
    assert made["receipt_rule_id"] in [each["receipt_rule_id"] for each in listed]
    assert await customer.call("DELETE /v3/automations/sms/receipts/{receipt_rule_id}", **path) in ([], None)


async def test_a_campaign_reaches_its_list(customer: Customer, sandbox: SandboxClient) -> None:
    phones = [any_phone(), any_phone()]
    list_id = await customer.new_list("Campaign", *phones)
    priced = {"list_id": str(list_id), "name": "Sale", "body": "Sale. Reply STOP to opt out", "from": NUMBER}
    price = await customer.call("POST /v3/sms-campaigns/price", priced)
    assert price["total_count"] == 2
    sent = await customer.call("POST /v3/sms-campaigns/send", _campaign(customer, priced, list_id))
    assert (sent["list_id"], sent["name"]) == (list_id, "Sale")
    for phone in phones:
        await sandbox.wait_for_message(phone)

    async def shown() -> dict[str, Any]:
        where = {"sms_campaign_id": sent["sms_campaign_id"]}
        read: dict[str, Any] = await customer.call("GET /v3/sms-campaigns/{sms_campaign_id}", **where)
        return read

    await eventually(shown, lambda read: read["status"].lower() == "sent")
    listed = (await customer.call("GET /v3/sms-campaigns", query={"page": 1, "limit": 15}))["data"]
    assert sent["sms_campaign_id"] in [each["sms_campaign_id"] for each in listed]


async def test_a_campaign_for_later_is_changed_and_cancelled(customer: Customer, sandbox: SandboxClient) -> None:
    phone = any_phone()
    list_id = await customer.new_list("Later", phone)
    fields = {"list_id": str(list_id), "name": "Sale", "body": "Sale. Reply STOP to opt out", "from": NUMBER}
    later = {**_campaign(customer, fields, list_id), "schedule": int(time.time()) + 3600}
    path = {"sms_campaign_id": (await customer.call("POST /v3/sms-campaigns/send", later))["sms_campaign_id"]}
    renamed = {**fields, "name": "Winter sale"}
    assert (await customer.call("PUT /v3/sms-campaigns/{sms_campaign_id}", renamed, **path))["name"] == "Winter sale"
    cancelled = await customer.call("PUT /v3/sms-campaigns/{sms_campaign_id}/cancel", **path)
    assert cancelled["status"].lower().startswith("cancel")
    assert await sandbox.messages(phone) == []


def _campaign(customer: Customer, fields: dict[str, Any], list_id: int) -> dict[str, Any]:
    senders = {"senders": [{"recipient_country_code": "US", "sender_id": NUMBER}]}  # generation 1 has no such field
    return {**fields, "list_id": list_id, **(senders if customer.generation == 2 else {})}
