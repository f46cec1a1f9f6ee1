"""What a STOP does to a customer's lists, seen through ClickSend's own clients of both generations."""

from typing import Any

from customer import Customer, eventually

from harness.sandbox.client import SandboxClient
from harness.story.stage import any_phone

NUMBER = "+18335550123"


async def test_who_writes_stop_leaves_the_list_is_on_the_opt_out_list_and_gets_nothing_more(
    customer: Customer, sandbox: SandboxClient
) -> None:
    phone, other = any_phone(), any_phone()
    left, kept = await customer.new_list("Left", phone, other), await customer.new_list("Kept", phone, other)
    opt_outs = await customer.opt_out_list()
    text = {"body": "Hi. Reply STOP to opt out", "from": NUMBER}
    sent = await customer.call("POST /v3/sms/send", {"messages": [{**text, "list_id": str(left)}]})
    assert sent["total_count"] >= 1
    await sandbox.wait_for_message(phone)
    await sandbox.reply(phone, "STOP")

    await eventually(lambda: customer.phones(left), lambda phones: phones == [other])
    assert sorted(await customer.phones(kept)) == sorted([phone, other])
    (entry,) = await _entries(customer, opt_outs, phone)
    assert (entry["custom_1"], entry["custom_3"]) == ("Left", "STOP")

    cleaned = await customer.call(
        "PUT /v3/lists/{list_id}/remove-opted-out-contacts/{opt_out_list_id}", list_id=kept, opt_out_list_id=opt_outs
    )
    assert cleaned["deleted"] == 1
    assert await customer.phones(kept) == [other]
    assert len(await sandbox.messages(phone)) == 1
    again = await customer.call("POST /v3/sms/send", {"messages": [{**text, "to": phone}, {**text, "to": other}]})
    refused, queued = again["messages"]
    assert (refused["status"] != "SUCCESS", queued["status"]) == (True, "SUCCESS")
    await eventually(lambda: sandbox.messages(other), lambda found: len(found) == 2)
    assert len(await sandbox.messages(phone)) == 1


async def test_a_contact_that_is_added_again_has_still_opted_out(customer: Customer, sandbox: SandboxClient) -> None:
    phone = any_phone()
    list_id = await customer.new_list("Posted again", phone)
    message = {"body": "Hi. Reply STOP to opt out", "from": NUMBER, "list_id": str(list_id)}
    await customer.call("POST /v3/sms/send", {"messages": [message]})
    await sandbox.wait_for_message(phone)
    await sandbox.reply(phone, "STOP")
    await eventually(lambda: customer.phones(list_id), lambda phones: phones == [])
    await customer.new_contact(list_id, phone)
    assert await customer.phones(list_id) == []
    await sandbox.reply(phone, "START")
    await eventually(lambda: customer.phones(list_id), lambda phones: set(phones) == {phone})


async def _entries(customer: Customer, opt_outs: int, phone: str) -> list[dict[str, Any]]:
    page = await customer.call("GET /v3/lists/{list_id}/contacts", list_id=opt_outs)
    return [entry for entry in page["data"] if entry["phone_number"] == phone]
