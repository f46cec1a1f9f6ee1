"""Messages to whole lists by ClickSend's API, and the lists of each number, which are known before anything is sent."""

from collections.abc import Sequence
from typing import Any

import pytest
from optout_api_world import NUMBER, Caller, Record

from services.optout.api.v3 import sms_lists
from services.optout.campaigns.expand import step
from services.optout.sending.publish import DueMessages
from shared.events.outbound import MessageRequested
from shared.postgres import Pool

ADA, BOB, EVE = "+14155550101", "+14155550102", "+14155550103"


class Publisher:
    """A publisher that notes the requests, and which lists each number was known to have when they came."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.published: list[MessageRequested] = []
        self.known: set[tuple[str, str, int]] = set()

    async def publish(self, requests: Sequence[MessageRequested]) -> None:
        rows = await self._pool.fetch("SELECT account_id, sender_number, list_id FROM lists_of_senders")
        self.known |= {(row["account_id"], row["sender_number"], row["list_id"]) for row in rows}
        self.published += requests


async def send(caller: Caller, *messages: dict[str, Any]) -> dict[str, Any]:
    body = {"messages": [{"body": "Hi (First Name)", "from": NUMBER, **each} for each in messages]}
    answer = await caller.call("POST", "/v3/sms/send", json=body)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def new_list(caller: Caller, name: str) -> int:
    list_id = await caller.new_list(name)
    contacts = [
        {"phone": ADA, "fields": {"first_name": "Ada", "plan": "x" * 31}},
        {"phone": BOB, "fields": {"first_name": "Bob"}},
    ]
    answer = await caller.call("POST", f"/v1/lists/{list_id}/contacts", json={"contacts": [*contacts, {"phone": EVE}]})
    assert answer.status_code == 200, answer.text
    return list_id


async def test_a_list_without_a_number_is_a_message_to_each_active_member(
    acme: Caller, pool: Pool, record: Record
) -> None:
    list_id = await new_list(acme, "Everybody")
    await record.message(acme.account_id, EVE, "STOP", list_id)
    data = await send(acme, {"list_id": str(list_id), "custom_string": "x"}, {"to": EVE, "body": "Hello"})
    shown = [(each["to"], each["body"], each["list_id"], each["status"]) for each in data["messages"]]
    assert shown == [
        (ADA, "Hi Ada", str(list_id), "SUCCESS"),
        (BOB, "Hi Bob", str(list_id), "SUCCESS"),
        (EVE, "Hello", None, "RECIPIENT_OPTED_OUT"),
    ]
    assert (data["total_count"], data["queued_count"]) == (3, 2)
    publisher = Publisher(pool)
    await DueMessages(pool, publisher).publish_due()  # type: ignore[arg-type]
    mine = [each for each in publisher.published if each.account_id == acme.account_id]
    assert sorted((each.phone, each.list_id, each.body) for each in mine) == [
        (ADA, list_id, "Hi Ada"),
        (BOB, list_id, "Hi Bob"),
    ]
    assert (acme.account_id, NUMBER, list_id) in publisher.known
    history = (await acme.get("/v3/sms/history", q="custom_string:x"))["data"]["data"]
    members = {each["phone"]: each for each in (await acme.get(f"/v1/lists/{list_id}/contacts"))["contacts"]}
    assert {row["to"] for row in history} == members.keys() - {EVE}
    assert all(row["contact_id"] for row in history)


async def test_a_list_that_cannot_be_sent_to_is_refused_with_a_status(
    acme: Caller, other: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs, empty = await new_list(acme, "A"), await new_list(other, "B"), await acme.new_list("Empty")
    monkeypatch.setattr(sms_lists, "MAX_MEMBERS", 4)
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("NOT_ENOUGH_PERMISSION_TO_LIST_ID", {"list_id": theirs}),
        ("INVALID_RECIPIENT", {"list_id": empty}),
        ("EMPTY_MESSAGE", {"list_id": mine, "body": "(Last Name)"}),
        ("INVALID_SENDER_ID", {"list_id": mine, "from": "!"}),
        ("TOO_MANY_RECIPIENTS", {"list_id": mine}),
        ("TOO_MANY_RECIPIENTS", {"list_id": empty}),
        ("MISSING_REQUIRED_FIELDS", {}),
    ]
    data = await send(acme, *(fields for _, fields in wrong))
    statuses = [each["status"] for each in data["messages"]]
    assert statuses == [status for status, _ in wrong[:2]] + 3 * ["EMPTY_MESSAGE"] + [status for status, _ in wrong[3:]]
    assert (await acme.get("/v3/sms/history"))["data"]["total"] == 0
    long = await send(acme, {"list_id": mine, "body": "x" * 1_528 + "(First Name)"})
    assert [each["status"] for each in long["messages"]] == ["MESSAGE_TOO_LONG"]
    filled = await send(acme, {"list_id": mine, "body": "x" * 1_500 + "{plan}"})
    assert [each["status"] for each in filled["messages"]] == ["MESSAGE_TOO_LONG", "SUCCESS", "SUCCESS"]


async def test_a_campaigns_list_is_known_as_its_numbers_before_anything_is_published(acme: Caller, pool: Pool) -> None:
    list_id = await new_list(acme, "Campaign")
    campaign = {"list_id": list_id, "name": "Sale", "sender_number": NUMBER, "body": "Sale"}
    assert (await acme.call("POST", "/v1/campaigns", json=campaign)).status_code == 201
    publisher = Publisher(pool)
    while await step(pool, publisher):  # type: ignore[arg-type]
        continue
    assert {ADA, BOB, EVE} <= {each.phone for each in publisher.published if each.list_id == list_id}
    assert (acme.account_id, NUMBER, list_id) in publisher.known
