"""Rules for delivery receipts: kept in ClickSend's shape, and each receipt is handed on once to each of them."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from optout_api_world import NUMBER, Caller

from services.optout.api.v3.receipt_rules import MAX_RECEIPT_RULES
from services.optout.sending.outcomes import OutcomeHandler
from shared.events.delivery import DeliveryReceiptReceived, MessageSent
from shared.postgres import Pool

PATH = "/v3/automations/sms/receipts"
URL = "https://hooks.example.com/"
RULE = {"rule_name": "Hook", "match_type": 0, "action": "URL", "action_address": URL, "enabled": 1}
PHONE = "+14155550101"
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


async def test_a_rule_is_made_changed_and_deleted(acme: Caller, other: Caller) -> None:
    made = await new_rule(acme)
    assert made == {"receipt_rule_id": made["receipt_rule_id"], **RULE}
    one = f"{PATH}/{made['receipt_rule_id']}"
    assert (await acme.get(one))["data"] == made
    changed = (await acme.call("PUT", one, json={"action": "POLL", "enabled": 0})).json()["data"]
    assert changed == {**made, "action": "POLL", "action_address": None, "enabled": 0}
    assert (await acme.get(PATH))["data"]["data"] == [changed]
    for method in ("GET", "PUT", "DELETE"):
        assert (await other.call(method, one, json={})).status_code == 404
    assert (await acme.call("DELETE", one)).json()["data"] == []
    assert (await acme.call("GET", one)).status_code == 404


async def test_what_a_rule_cannot_do_is_refused_with_the_field(acme: Caller) -> None:
    await new_rule(acme)
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("action", {"action": "EMAIL_USER"}),
        ("action_address", {"action_address": "http://hooks.example.com/"}),
        ("action_address", {"action_address": "https://127.0.0.1/"}),
        ("action_address", {"action_address": None}),
        ("match_type", {"match_type": 1}),
        ("rule_name", {"rule_name": " "}),
        ("rule_name", {}),
    ]
    for field, fields in wrong:
        answer = await acme.call("POST", PATH, json={**RULE, **fields})
        assert (answer.status_code, list(answer.json()["data"])) == (400, [field]), answer.text
    one = f"{PATH}/{(await new_rule(acme, rule_name='Second'))['receipt_rule_id']}"
    assert (await acme.call("PUT", one, json={"rule_name": "Hook"})).status_code == 400
    assert (await acme.get(PATH))["data"]["total"] == 2
    for number in range(2, MAX_RECEIPT_RULES):
        await new_rule(acme, rule_name=str(number))
    assert (await acme.call("POST", PATH, json={**RULE, "rule_name": "One more"})).status_code == 400


async def test_a_receipt_is_handed_on_once_to_each_rule_that_is_enabled(
    acme: Caller, other: Caller, pool: Pool
) -> None:
    for caller in (acme, other):
        await new_rule(caller)
    await new_rule(acme, rule_name="Off", enabled=0)
    await new_rule(acme, rule_name="Poll", action="POLL")
    message_id = await sent(acme, "mine")
    receipt = receipt_of(acme, message_id=message_id)
    handler = OutcomeHandler(pool)
    await handler.record([receipt])
    await handler.record([receipt, receipt])
    ((url, webhook_type, fields),) = await calls(pool, acme)
    assert (url, webhook_type) == (URL, "post")
    assert (fields["message_id"], fields["status_code"], fields["custom_string"]) == (message_id, 201, "mine")
    shown = (await acme.get(f"/v3/sms/receipts/{message_id}"))["data"]
    assert {name: value for name, value in shown.items() if name != "digits"} == fields
    assert await calls(pool, other) == []


async def test_a_receipt_with_the_carriers_id_alone_is_handed_on_when_its_message_is_known(
    acme: Caller, pool: Pool
) -> None:
    await new_rule(acme)
    first, second = await sent(acme), await sent(acme)
    handler = OutcomeHandler(pool)
    early, late = f"early-{acme.account_id}", f"late-{acme.account_id}"
    await handler.record([receipt_of(acme, early)])
    assert await calls(pool, acme) == []
    await handler.record([went(acme, first, early), went(acme, second, late)])
    await handler.record([receipt_of(acme, late)])
    assert {fields["message_id"] for _, _, fields in await calls(pool, acme)} == {first, second}


async def new_rule(caller: Caller, **fields: Any) -> dict[str, Any]:
    answer = await caller.call("POST", PATH, json={**RULE, **fields})
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()["data"]
    return made


async def sent(caller: Caller, custom_string: str = "") -> str:
    message = {"body": "Hello", "to": PHONE, "from": NUMBER, "custom_string": custom_string}
    answer = await caller.call("POST", "/v3/sms/send", json={"messages": [message]})
    message_id: str = answer.json()["data"]["messages"][0]["message_id"]
    return message_id


def receipt_of(caller: Caller, carrier_id: str = "c-1", message_id: str | None = None) -> DeliveryReceiptReceived:
    return DeliveryReceiptReceived(
        event_id=uuid4(),
        occurred_at=AT,
        account_id=caller.account_id,
        gateway="clicksend",
        carrier_message_id=carrier_id,
        message_id=message_id,
        status="delivered",
        gateway_status="201 Delivered",
    )


def went(caller: Caller, message_id: str, carrier_id: str) -> MessageSent:
    return MessageSent(
        event_id=uuid4(),
        occurred_at=AT,
        account_id=caller.account_id,
        message_id=message_id,
        list_id=1,
        phone=PHONE,
        sender_number=NUMBER,
        carrier_message_id=carrier_id,
    )


async def calls(pool: Pool, caller: Caller) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the calls to be made for an account."""
    query = "SELECT url, webhook_type, body FROM webhook_deliveries WHERE account_id = $1 AND is_receipt"
    rows = await pool.fetch(query, caller.account_id)
    return [(row["url"], row["webhook_type"], json.loads(row["body"])) for row in rows]
