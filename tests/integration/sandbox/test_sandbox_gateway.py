"""The gateway's side over real HTTP: replies and receipts, late, repeated, tried again."""

import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from sandbox_world import Receiver, Sender, running_sandbox

from harness.sandbox.client import SandboxClient, SandboxError


async def test_a_reply_is_posted_as_the_gateway_posts_it_and_its_answer_comes_back(
    sandbox: SandboxClient, sender: Sender, receiver: Receiver, phone: str
) -> None:
    carrier_id = (await sender.send(phone, "Sale!", message_id="m1")).json()["carrier_message_id"]
    before = datetime.now(UTC)
    reply = await sandbox.reply(phone, "Stop, bitte 🙏")
    assert (reply["status_code"], reply["response"]) == (200, "heard")
    assert before <= datetime.fromisoformat(reply["answered_at"]) <= datetime.now(UTC)
    assert receiver.content_types == ["application/x-www-form-urlencoded"]
    assert receiver.forms == [reply["form"]]
    said = reply["form"]
    assert (said["from"], said["to"], said["body"]) == (phone, "+18335550123", "Stop, bitte 🙏")
    assert (said["original_message_id"], said["custom_string"], said["original_body"]) == (carrier_id, "m1", "Sale!")
    assert int(before.timestamp()) <= int(said["timestamp"]) <= time.time()


async def test_every_reply_has_an_id_of_its_own_unless_it_is_repeated(
    sandbox: SandboxClient, sender: Sender, receiver: Receiver, phone: str
) -> None:
    await sender.send(phone)
    first = await sandbox.reply(phone, "Stop")
    await sandbox.reply(phone, "Stop")
    form = first["form"]
    await sandbox.reply(
        phone,
        "Stop",
        message_id=form["message_id"],
        timestamp=int(form["timestamp"]),
        in_reply_to=form["original_message_id"],
    )
    assert receiver.forms[0] == receiver.forms[2]
    assert receiver.forms[0]["message_id"] != receiver.forms[1]["message_id"]


async def test_nothing_in_the_sandbox_answers_a_stop(
    sandbox: SandboxClient, sender: Sender, receiver: Receiver, phone: str
) -> None:
    await sender.send(phone)
    for word in ("STOP", "HELP", "START"):
        await sandbox.reply(phone, word)
    assert len(receiver.forms) == 3
    assert len(await sandbox.messages(phone)) == 1
    assert len(await sandbox.calls()) == 1


@pytest.mark.parametrize("failure", [503, 302, None])
async def test_a_webhook_that_is_not_accepted_is_tried_again_until_it_is(
    sandbox: SandboxClient, sender: Sender, receiver: Receiver, phone: str, failure: int | None
) -> None:
    await sandbox.set_faults(webhook_backoff_seconds=0.01)
    receiver.statuses = [failure, failure]
    await sender.send(phone)
    reply = await sandbox.reply(phone, "Stop")
    assert reply["status_code"] == failure
    attempts = await sandbox.wait_for_webhooks(lambda seen: any(a["status_code"] == 200 for a in seen))
    assert [(a["attempt"], a["status_code"]) for a in attempts] == [(1, failure), (2, failure), (3, 200)]
    assert [a["answered_at"] is None for a in attempts] == [failure is None, failure is None, False]
    assert all(a["started_at"] <= (a["answered_at"] or a["started_at"]) for a in attempts)
    assert receiver.forms == [reply["form"]] * 3
    assert {a["url"] for a in attempts} == {f"{receiver.url}/messages"}


async def test_the_gateway_gives_up_after_its_retries(
    sandbox: SandboxClient, sender: Sender, receiver: Receiver, phone: str
) -> None:
    await sandbox.set_faults(webhook_retries=2, webhook_backoff_seconds=0.01)
    receiver.statuses = [500] * 3
    await sender.send(phone)
    await sandbox.reply(phone, "Stop")
    await sandbox.wait_for_webhooks(lambda seen: len(seen) == 3)
    await sandbox.set_faults()
    marker = await sandbox.reply(phone, "Hello")
    assert [form["message_id"] for form in receiver.forms].count(marker["form"]["message_id"]) == 1
    assert len(receiver.forms) == 4


async def test_a_duplicated_webhook_is_the_same_form_again(
    sandbox: SandboxClient, sender: Sender, receiver: Receiver, phone: str
) -> None:
    await sandbox.set_faults(duplicate_webhooks=2)
    await sender.send(phone)
    reply = await sandbox.reply(phone, "Stop")
    await sandbox.wait_for_webhooks(lambda seen: len(seen) == 3)
    assert receiver.forms == [reply["form"]] * 3


async def test_a_late_webhook_is_posted_later_in_the_background(
    sandbox: SandboxClient, sender: Sender, receiver: Receiver, phone: str
) -> None:
    await sandbox.set_faults(late_webhooks_seconds=0.4)
    await sender.send(phone)
    asked_at = datetime.now(UTC)
    reply = await sandbox.reply(phone, "Stop")
    assert (reply["status_code"], reply["answered_at"], receiver.forms) == (None, None, [])
    [attempt] = await sandbox.wait_for_webhooks(lambda seen: len(seen) == 1)
    assert (datetime.fromisoformat(attempt["started_at"]) - asked_at).total_seconds() >= 0.4
    assert receiver.forms == [reply["form"]]


async def test_receipts_say_what_became_of_a_message(
    sandbox: SandboxClient, sender: Sender, receiver: Receiver, phone: str
) -> None:
    await sandbox.set_faults(receipts=True, undeliverable_rate=1, phones=["+13125550177"])
    await sender.send(phone, message_id="silent")
    failed = (await sender.send("+13125550177", message_id="m1")).json()["carrier_message_id"]
    await sandbox.set_faults(receipts=True, duplicate_webhooks=1)
    arrived = (await sender.send(phone, message_id="m2")).json()["carrier_message_id"]
    attempts = await sandbox.wait_for_webhooks(lambda seen: len(seen) == 3)
    assert {(a["kind"], a["url"]) for a in attempts} == {("receipt", f"{receiver.url}/receipts")}
    said = Counter((f["message_id"], f["custom_string"], f["status_code"], f["status"]) for f in receiver.forms)
    assert said == {(failed, "m1", "301", "Undelivered"): 1, (arrived, "m2", "201", "Delivered"): 2}


@pytest.mark.parametrize("delivered", [True, False])
async def test_a_call_that_failed_has_a_receipt_only_if_the_message_arrived(
    sandbox: SandboxClient, sender: Sender, receiver: Receiver, phone: str, *, delivered: bool
) -> None:
    await sandbox.set_faults(receipts=True, error_rate=1, deliver_before_error=delivered)
    await sender.send(phone, message_id="unknown")
    await sandbox.set_faults(receipts=True)
    await sender.send(phone, message_id="marker")
    await sandbox.wait_for_webhooks(lambda seen: len(seen) == delivered + 1)
    assert Counter(form["custom_string"] for form in receiver.forms)["unknown"] == delivered


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "say which number"),
        ({"to": "+18335550123"}, "say whose number"),
        ({"to": "+18335550123", "account_id": "unheard-of"}, "PUT /accounts/unheard-of"),
        ({"in_reply_to": "nothing"}, "no message nothing"),
    ],
)
async def test_a_reply_that_cannot_be_posted_says_what_to_do(
    sandbox: SandboxClient, phone: str, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(SandboxError, match=said):
        await sandbox.reply(phone, "Stop", **asked)


async def test_an_account_needs_an_address(sandbox: SandboxClient) -> None:
    with pytest.raises(SandboxError, match="webhook_url"):
        await sandbox.register_account("acme", webhook_url="nowhere")
    with pytest.raises(SandboxError, match="422"):
        await sandbox.register_account("Not An Id", webhook_url="http://127.0.0.1:1/")


async def test_pending_webhooks_are_limited_and_do_not_hold_up_the_end_of_the_process(receiver: Receiver) -> None:
    async with running_sandbox() as url, SandboxClient(url) as sandbox:
        await sandbox.register_account("acme", webhook_url=f"{receiver.url}/messages")
        await sandbox.set_faults(late_webhooks_seconds=3600, duplicate_webhooks=100)
        whose: dict[str, Any] = {"to": "+18335550123", "account_id": "acme"}
        for _ in range(99):
            await sandbox.reply("+14155550100", "Stop", **whose)
        with pytest.raises(SandboxError, match=r"503 .*9999 webhooks are pending"):
            await sandbox.reply("+14155550100", "Stop", **whose)
    assert receiver.forms == []
