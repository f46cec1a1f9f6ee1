"""What the shapes name is what ClickSend's clients read: each takes every answer of a server that follows them."""

from typing import Any

import pytest
from customer import Customer, methods
from recording_proxy import RecordingProxy
from stub_of_clicksend import stub

from harness.account import Account

_LIST = {"list_name": "x"}
_RECEIPT_RULE = {"rule_name": "x", "match_type": 0, "action": "URL", "action_address": "x", "enabled": 1}
_RULE = {
    "dedicated_number": "*", "rule_name": "x", "message_search_type": 0, "message_search_term": "x", "action": "NONE",
    "action_address": "x", "enabled": 1,
}  # fmt: skip
_CAMPAIGN = {"list_id": "1", "name": "x", "from": "x", "body": "x"}
_TEMPLATE = {"template_name": "x", "body": "x"}
_SUBACCOUNT = {
    "api_username": "x", "password": "x", "email": "x", "phone_number": "x", "first_name": "x", "last_name": "x",
}  # fmt: skip
_SUBACCOUNT_UPDATE = {"email": "x"}
_BODIES: dict[str, Any] = {
    "POST /v3/lists": _LIST,
    "PUT /v3/lists/{list_id}": _LIST,
    "POST /v3/lists/{list_id}/contacts": {"phone_number": "x", "custom_1": "x"},
    "PUT /v3/lists/{list_id}/contacts/{contact_id}": {"phone_number": "x", "custom_1": "x"},
    "PUT /v3/lists/{list_id}/remove-duplicates/": {"fields": {"first_name": "x"}},
    "POST /v3/sms/send": {"messages": [{"body": "x", "to": "x"}]},
    "POST /v3/sms/price": {"messages": [{"body": "x", "to": "x"}]},
    "POST /v3/sms/receipts": {"url": "x"},
    "POST /v3/sms/inbound": {"url": "x"},
    "POST /v3/sms/templates": _TEMPLATE,
    "PUT /v3/sms/templates/{template_id}": _TEMPLATE,
    "POST /v3/sms-campaigns/send": _CAMPAIGN,
    "POST /v3/sms-campaigns/price": _CAMPAIGN,
    "PUT /v3/sms-campaigns/{sms_campaign_id}": _CAMPAIGN,
    "POST /v3/automations/sms/inbound": _RULE,
    "PUT /v3/automations/sms/inbound/{inbound_rule_id}": _RULE,
    "POST /v3/automations/sms/receipts": _RECEIPT_RULE,
    "PUT /v3/automations/sms/receipts/{receipt_rule_id}": _RECEIPT_RULE,
    "POST /v3/subaccounts": _SUBACCOUNT,
    "PUT /v3/subaccounts/{subaccount_id}": _SUBACCOUNT_UPDATE,
    "POST /v3/lists/{list_id}/import": {"file_url": "x", "field_order": ["phone"]},
    "POST /v3/uploads": {"content": "eA=="},
    "PUT /v3/sms/receipts-read": {"date_before": 1},
}
_QUERIES: dict[str, dict[str, Any]] = {
    "POST /v3/uploads": {"convert": "csv"},
    "GET /v3/search/contacts-lists": {"q": "x"},
    "GET /v3/sms/history/export": {"filename": "x"},
}


def _of_generation(generation: int, call: str) -> Any:
    body = _BODIES.get(call)
    if generation == 2 and call == "POST /v3/sms-campaigns/send":
        return {**body, "list_id": 1, "senders": []}
    if generation == 2 and call == "POST /v3/lists/{list_id}/import":
        return {**body, "field_order": "phone"}
    if generation == 1 and call == "PUT /v3/subaccounts/{subaccount_id}":
        return _SUBACCOUNT
    return body


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.usefixtures("clients")
async def test_a_client_reads_every_answer(generation: int) -> None:
    nobody = Account("nobody", "x", "")
    async with stub() as url, RecordingProxy(url) as proxy, Customer(generation, proxy, nobody) as customer:
        for call in methods(generation):
            words = {word.strip("{}"): 1 for word in call.split("/") if word.startswith("{")}
            await customer.call(call, _of_generation(generation, call), _QUERIES.get(call), **words)
