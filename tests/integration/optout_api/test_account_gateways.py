"""An account sees which of its gateways answer STOP themselves, by what came through them."""

from typing import Any
from uuid import uuid4

from optout_api_world import NOW, NUMBER, Caller, Record

from shared.events.inbound import CarrierBlocked, MessageReceived

PATH = "/v1/account/gateways"


def reply(account_id: str, gateway: str, body: str = "Hello") -> MessageReceived:
    return MessageReceived(
        event_id=uuid4(), occurred_at=NOW, account_id=account_id, gateway=gateway, gateway_message_id=uuid4().hex,
        phone="+14155550100", sender_number=NUMBER, body=body,
    )  # fmt: skip


def block(account_id: str, gateway: str, reason: str) -> CarrierBlocked:
    return CarrierBlocked(
        event_id=uuid4(), occurred_at=NOW, account_id=account_id, gateway=gateway, phone="+14155550100",
        sender_numbers=(NUMBER,), code="OptOutType STOP", reason=reason,
    )  # fmt: skip


async def shown(caller: Caller) -> dict[str, Any]:
    return {each["gateway"]: each for each in (await caller.get(PATH))["gateways"]}


async def test_a_gateway_that_answers_stop_itself_is_shown_with_the_way_to_switch_it_off(
    acme: Caller, other: Caller, record: Record
) -> None:
    assert await shown(acme) == {}
    await record.decided(reply(acme.account_id, "clicksend", "Is it that the carrier took the reply as an opt-out"))
    await record.decided(reply(acme.account_id, "clicksend"))
    await record.decided(block(acme.account_id, "twilio", "the carrier took the reply as an opt-out"))
    await record.decided(block(acme.account_id, "telnyx", "refused"))
    found = await shown(acme)
    assert sorted(found) == ["clicksend", "telnyx", "twilio"]
    answers = {gateway: each["answers_stop_itself"] for gateway, each in found.items()}
    assert answers == {"clicksend": "not_known", "telnyx": "by_default", "twilio": "by_default"}
    assert [gateway for gateway, each in found.items() if each["took_stop_itself_at"]] == ["twilio"]
    assert "Advanced Opt-Out" in found["twilio"]["how_to_switch_it_off"]
    assert found["clicksend"]["how_to_switch_it_off"] is None
    assert await shown(other) == {}


async def test_only_who_may_change_settings_sees_the_addresses_and_nobody_the_signing_secret(acme: Caller) -> None:
    found = await acme.get(PATH)
    by_name = {each["gateway"]: each for each in found["addresses"]}
    webhook = await acme.get("/v1/webhook", gateway="twilio")
    assert by_name["twilio"]["webhook_url"] == webhook["webhook_url"]
    assert by_name["twilio"]["receipts_url"] == f"{webhook['webhook_url']}/receipts"
    assert by_name["telnyx"]["receipts_url"] is None
    assert webhook["signing_secret"] not in str(found)
    assert found["reception"] == {"state": "not_known", "confirmed_at": None, "since": None}
    made = (await acme.call("POST", "/v1/users", json={"user": f"{acme.account_id}-ann", "role": "read"})).json()
    ann = Caller(acme.http, made["user"], made["api_key"])
    assert (await ann.get(PATH))["addresses"] is None
