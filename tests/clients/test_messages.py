"""Messages, receipts, replies and templates, through ClickSend's own clients of both generations."""

import time
from typing import Any

import pytest
from customer import ApiRefusedError, Customer, eventually

from harness.sandbox.client import SandboxClient
from harness.story.stage import any_phone

NUMBER = "+18335550123"
TEXT = {"body": "Hi. Reply STOP to opt out", "from": NUMBER, "custom_string": "reference"}


async def _sent(customer: Customer, phone: str, **more: Any) -> str:
    answer = await customer.call("POST /v3/sms/send", {"messages": [{**TEXT, "to": phone, **more}]})
    (message,) = answer["messages"]
    assert (message["status"], message["to"]) == ("SUCCESS", phone)
    message_id: str = message["message_id"]
    return message_id


async def test_a_price_counts_messages_and_costs_nothing(customer: Customer) -> None:
    messages = [{**TEXT, "to": any_phone()}, {**TEXT, "to": any_phone(), "body": "x" * 161}]
    price = await customer.call("POST /v3/sms/price", {"messages": messages})
    assert (price["total_count"], price["total_price"]) == (2, 0)
    assert [each["message_parts"] for each in price["messages"]] == [1, 2]


async def test_a_message_is_in_the_history_and_its_receipt_is_read_once(
    customer: Customer, sandbox: SandboxClient
) -> None:
    phone = any_phone()
    await sandbox.set_faults(receipts=True)
    message_id = await _sent(customer, phone)
    await sandbox.wait_for_message(phone)

    async def history() -> list[str]:
        page = await customer.call("GET /v3/sms/history", query={"page": 1, "limit": 100})
        return [each["message_id"] for each in page["data"]]

    await eventually(history, lambda ids: message_id in ids)
    exported = await customer.call("GET /v3/sms/history/export", query={"filename": "history.csv"})
    assert exported["url"].startswith("http")

    async def receipts() -> list[str]:
        page = await customer.call("GET /v3/sms/receipts", query={"page": 1, "limit": 100})
        return [each["message_id"] for each in page["data"]]

    await eventually(receipts, lambda ids: message_id in ids)
    receipt = await customer.call("GET /v3/sms/receipts/{message_id}", message_id=message_id)
    assert receipt["message_id"] == message_id
    await customer.call("PUT /v3/sms/receipts-read", {"date_before": int(time.time()) + 60})
    assert message_id not in await receipts()


async def test_messages_for_later_are_cancelled(customer: Customer, sandbox: SandboxClient) -> None:
    later, phones = int(time.time()) + 3600, [any_phone(), any_phone()]
    ids = [await _sent(customer, phone, schedule=later) for phone in phones]
    assert await customer.call("PUT /v3/sms/{message_id}/cancel", message_id=ids[0]) is None
    cancelled = await customer.call("PUT /v3/sms/cancel-all")
    assert cancelled["count"] == 1
    assert [await sandbox.messages(phone) for phone in phones] == [[], []]


async def test_a_reply_under_a_rule_that_polls_is_read_and_marked(customer: Customer, sandbox: SandboxClient) -> None:
    phone = any_phone()
    await _sent(customer, phone)
    await sandbox.wait_for_message(phone)
    rule = {
        "dedicated_number": "*", "rule_name": "Poll", "message_search_type": 2, "message_search_term": "parcel",
        "action": "POLL", "action_address": "", "enabled": 1,
    }  # fmt: skip
    rule_id = (await customer.call("POST /v3/automations/sms/inbound", rule))["inbound_rule_id"]

    async def replies() -> list[dict[str, Any]]:
        page = await customer.call("GET /v3/sms/inbound", query={"page": 1, "limit": 100})
        return [each for each in page["data"] if each["from"] == phone]

    for text in ("Where is my parcel?", "My parcel!"):
        await sandbox.reply(phone, text)
    first, second = await eventually(replies, lambda found: len(found) == 2)
    assert {first["body"], second["body"]} == {"Where is my parcel?", "My parcel!"}
    original = first["original_message_id"]
    shown = await customer.call("GET /v3/sms/inbound/{original_message_id}", original_message_id=original)
    assert shown["original_message_id"] == original
    await customer.call("PUT /v3/sms/inbound-read/{message_id}", message_id=first["message_id"])
    assert [each["message_id"] for each in await replies()] == [second["message_id"]]
    await customer.call("PUT /v3/sms/inbound-read", {"date_before": int(time.time()) + 60})
    assert await replies() == []
    await customer.call("DELETE /v3/automations/sms/inbound/{inbound_rule_id}", inbound_rule_id=rule_id)


async def test_a_test_receipt_and_a_test_reply_can_be_asked_for(customer: Customer) -> None:
    for call in ("POST /v3/sms/receipts", "POST /v3/sms/inbound"):
        made = await customer.call(call, {"url": "https://hooks.example.com/"})
        assert made is None or made["message_id"]


async def test_a_template_is_made_shown_changed_and_deleted(customer: Customer) -> None:
    body = {"template_name": "Greeting", "body": "Hello (first_name)"}
    template_id = (await customer.call("POST /v3/sms/templates", body))["template_id"]
    shown = await customer.call("GET /v3/sms/templates/{template_id}", template_id=template_id)
    assert shown == {"template_id": template_id, **body}
    changed = {**body, "body": "Bye"}
    assert (await customer.call("PUT /v3/sms/templates/{template_id}", changed, template_id=template_id))[
        "body"
    ] == "Bye"
    listed = (await customer.call("GET /v3/sms/templates", query={"page": 1, "limit": 15}))["data"]
    assert [each["body"] for each in listed] == ["Bye"]
    deleted = await customer.call("DELETE /v3/sms/templates/{template_id}", template_id=template_id)
    assert deleted in ([], None)
    with pytest.raises(ApiRefusedError) as refused:
        await customer.call("GET /v3/sms/templates/{template_id}", template_id=template_id)
    assert refused.value.status == 404
