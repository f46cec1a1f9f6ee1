"""Single messages by ClickSend's API: who is refused, what is kept and cancelled, and what clients read of it."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from optout_api_world import NUMBER, Caller, Record

from services.optout.api.v3 import sms_history
from services.optout.sending.cancel import cancel_asked
from services.optout.sending.outcomes import OutcomeHandler
from services.optout.sending.publish import DueMessages
from shared.events.delivery import (
    DeliveryReceiptReceived,
    MessageDispatching,
    MessageRejected,
    MessageSent,
    MessageSuppressed,
    MessageWaiting,
    delivery_event_id,
)
from shared.events.outbound import AnyOutboundEvent, MessageCancelRequested, MessageRequested
from shared.postgres import Pool

PHONE, OTHER_PHONE, OTHER_NUMBER = "+14155550101", "+14155550102", "+14155550188"
MESSAGE = {"body": "Hello", "to": PHONE, "from": NUMBER}
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


class KeptRequests:
    """A publisher whose requests stay here."""

    def __init__(self) -> None:
        self.published: list[AnyOutboundEvent] = []

    async def publish(self, requests: list[AnyOutboundEvent]) -> None:
        self.published += requests


async def sent(caller: Caller, *messages: dict[str, Any], call: str = "send") -> dict[str, Any]:
    answer = await caller.call("POST", f"/v3/sms/{call}", json={"messages": list(messages)})
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def status_of(caller: Caller, **fields: Any) -> str:
    return str((await sent(caller, {**MESSAGE, **fields}))["messages"][0]["status"])


async def published(pool: Pool, caller: Caller) -> list[MessageRequested]:
    """Publish what is due, and return the requests of the account."""
    kept = KeptRequests()
    await DueMessages(pool, kept).publish_due()  # type: ignore[arg-type]
    mine = [each for each in kept.published if each.account_id == caller.account_id]
    return [each for each in mine if isinstance(each, MessageRequested)]


def announced(caller: Caller, message_id: str, list_id: int, number: str = NUMBER) -> MessageDispatching:
    return MessageDispatching(
        event_id=delivery_event_id(caller.account_id, message_id, "message_dispatching"),
        occurred_at=AT,
        account_id=caller.account_id,
        message_id=message_id,
        list_id=list_id,
        phone=PHONE,
        sender_number=number,
        decision_started_at=AT,
    )


async def test_a_message_without_a_list_is_the_default_lists_and_names_the_lists_of_its_number(
    acme: Caller, pool: Pool
) -> None:
    mine, others = await acme.new_list("Mine"), await acme.new_list("Other")
    handler = OutcomeHandler(pool)
    await handler.record([announced(acme, "m-1", mine), announced(acme, "m-2", others, OTHER_NUMBER)])
    data = await sent(acme, MESSAGE, {**MESSAGE, "list_id": str(mine)})
    assert [each["status"] for each in data["messages"]] == ["SUCCESS", "SUCCESS"]
    assert (data["total_count"], data["queued_count"], data["blocked_count"]) == (2, 2, 0)
    lists = {each["kind"]: each["list_id"] for each in (await acme.get("/v1/lists"))["lists"]}
    found = {each.list_id: each.also_lists for each in await published(pool, acme)}
    assert found == {lists["default"]: (mine,), mine: ()}
    assert await published(pool, acme) == []


async def test_whoever_opted_out_of_a_list_of_the_number_is_refused(acme: Caller, pool: Pool, record: Record) -> None:
    mine, others = await acme.new_list("Mine"), await acme.new_list("Other")
    await OutcomeHandler(pool).record([announced(acme, "m-1", mine), announced(acme, "m-2", others, OTHER_NUMBER)])
    assert await status_of(acme) == "SUCCESS"
    await record.message(acme.account_id, PHONE, "STOP", mine)
    assert await status_of(acme) == "RECIPIENT_OPTED_OUT"
    assert await status_of(acme, list_id=mine) == "RECIPIENT_OPTED_OUT"
    assert await status_of(acme, list_id=others, **{"from": OTHER_NUMBER}) == "SUCCESS"
    assert await status_of(acme, **{"from": OTHER_NUMBER}) == "SUCCESS"
    assert await status_of(acme, to=OTHER_PHONE) == "SUCCESS"
    data = await sent(acme, MESSAGE, call="price")
    assert (data["queued_count"], data["blocked_count"]) == (0, 1)


async def test_an_opt_out_of_the_account_or_written_to_the_number_forbids_every_message(
    acme: Caller, record: Record
) -> None:
    await record.message(acme.account_id, PHONE, "STOP")
    assert await status_of(acme, **{"from": OTHER_NUMBER}) == "RECIPIENT_OPTED_OUT"
    left = await acme.new_list("Left")
    await record.message(acme.account_id, OTHER_PHONE, "STOP", left)
    assert await status_of(acme, to=OTHER_PHONE) == "RECIPIENT_OPTED_OUT"
    # Nothing is known to be sent to that list, so it may be any number's.
    assert await status_of(acme, to=OTHER_PHONE, **{"from": OTHER_NUMBER}) == "RECIPIENT_OPTED_OUT"


@pytest.mark.parametrize("sender", [None, ""])
async def test_where_the_message_names_no_number_any_opt_out_forbids_it(
    sender: str | None, acme: Caller, pool: Pool, record: Record
) -> None:
    mine, others = await acme.new_list("Mine"), await acme.new_list("Other")
    await OutcomeHandler(pool).record([announced(acme, "m-1", mine), announced(acme, "m-2", others, OTHER_NUMBER)])
    await record.message(acme.account_id, PHONE, "STOP", mine)
    message = {**MESSAGE, "from": sender, "country": "US"}
    senders = [{"recipient_country_code": "US", "sender_id": OTHER_NUMBER}]
    answer = await acme.call("POST", "/v3/sms/send", json={"senders": senders, "messages": [message]})
    (refused,) = answer.json()["data"]["messages"]
    assert (refused["from"], refused["status"]) == (OTHER_NUMBER, "RECIPIENT_OPTED_OUT")


async def test_each_message_has_a_status_of_its_own(acme: Caller, other: Caller) -> None:
    theirs = await other.new_list("Theirs")
    opt_outs = next(each for each in (await acme.get("/v1/lists"))["lists"] if each["kind"] == "opt_outs")
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("INVALID_RECIPIENT", {"to": "12"}),
        ("EMPTY_MESSAGE", {"body": " "}),
        ("MISSING_REQUIRED_FIELDS", {"to": None}),
        ("INVALID_SENDER_ID", {"from": "!"}),
        ("INVALID_SENDER_ID", {"from": None}),
        ("INVALID_SCHEDULE", {"schedule": 10**15}),
        ("NOT_ENOUGH_PERMISSION_TO_LIST_ID", {"list_id": theirs}),
        ("NOT_ENOUGH_PERMISSION_TO_LIST_ID", {"list_id": str(opt_outs["list_id"])}),
        ("NOT_ENOUGH_PERMISSION_TO_LIST_ID", {"list_id": "x'; DROP TABLE messages"}),
    ]
    data = await sent(acme, *({**MESSAGE, **fields} for _, fields in wrong), MESSAGE)
    assert [each["status"] for each in data["messages"]] == [*(status for status, _ in wrong), "SUCCESS"]
    assert (await acme.get("/v3/sms/history"))["data"]["total"] == 1
    many = await acme.call("POST", "/v3/sms/send", json={"messages": [MESSAGE] * 1001})
    assert many.status_code == 400


async def test_a_scheduled_message_waits_and_can_be_cancelled(acme: Caller, pool: Pool) -> None:
    later = int((datetime.now(UTC) + timedelta(hours=1)).timestamp())
    data = await sent(acme, *[{**MESSAGE, "schedule": later, "custom_string": f"c{n % 2}"} for n in range(4)])
    first = data["messages"][0]
    assert (first["schedule"], first["message_parts"]) == (later, 1)
    assert await published(pool, acme) == []
    one = await acme.call("PUT", f"/v3/sms/{first['message_id']}/cancel", json={})
    assert (one.status_code, one.json()["data"]) == (200, None)
    assert (await acme.call("PUT", f"/v3/sms/{first['message_id']}/cancel")).status_code == 404
    rest = await acme.call("PUT", "/v3/sms/cancel-all", json={"custom_string": "c1"})
    assert rest.json()["data"] == {"count": 2}
    async with pool.acquire() as connection:
        await connection.execute("UPDATE messages SET publish_at = now() WHERE account_id = $1", acme.account_id)
    (left,) = await published(pool, acme)
    assert left.message_id == data["messages"][2]["message_id"]


async def test_a_message_that_waits_in_the_sender_is_shown_as_scheduled_and_can_be_cancelled_there(
    acme: Caller, pool: Pool
) -> None:
    messages = (await sent(acme, MESSAGE, {**MESSAGE, "custom_string": "mine"}))["messages"]
    await published(pool, acme)
    handler = OutcomeHandler(pool)
    for message in messages:
        common = announced(acme, message["message_id"], 1).model_dump(exclude={"event_id", "type", "version"})
        await handler.record(
            [MessageWaiting.model_validate({**common, "event_id": uuid4(), "until": AT, "reason": "quiet_hours"})]
        )
    assert {row["status"] for row in (await acme.get("/v3/sms/history"))["data"]["data"]} == {"Scheduled"}
    assert (await acme.call("PUT", "/v3/sms/cancel-all", json={"custom_string": "mine"})).json()["data"] == {"count": 1}
    assert (await acme.call("PUT", f"/v3/sms/{messages[0]['message_id']}/cancel")).status_code == 200
    kept = KeptRequests()
    while await cancel_asked(pool, kept):  # type: ignore[arg-type]
        continue
    ours = [each for each in kept.published if each.account_id == acme.account_id]
    assert all(isinstance(each, MessageCancelRequested) for each in ours)
    assert {each.message_id for each in ours} == {each["message_id"] for each in messages}
    for message in messages:
        about = {"event_id": uuid4(), "occurred_at": AT, "account_id": acme.account_id, "detail": "by whoever asked"}
        message_id = message["message_id"]
        await handler.record(
            [MessageRejected.model_validate({**about, "message_id": message_id, "reason": "cancelled"})]
        )
    assert {row["status"] for row in (await acme.get("/v3/sms/history"))["data"]["data"]} == {"Cancelled"}
    assert (await acme.call("PUT", f"/v3/sms/{messages[0]['message_id']}/cancel")).status_code == 404


async def test_outcomes_and_receipts_come_in_any_order_and_never_go_back(acme: Caller, pool: Pool) -> None:
    message = (await sent(acme, {**MESSAGE, "custom_string": "mine"}))["messages"][0]
    await published(pool, acme)
    announcement = announced(acme, message["message_id"], 1)
    common = announcement.model_dump(include={"account_id", "message_id", "list_id", "phone", "sender_number"})
    went = MessageSent(event_id=uuid4(), occurred_at=AT, carrier_message_id=f"c-{acme.account_id}", **common)
    receipt = DeliveryReceiptReceived(
        event_id=uuid4(),
        occurred_at=AT,
        account_id=acme.account_id,
        gateway="clicksend",
        carrier_message_id=f"c-{acme.account_id}",
        status="delivered",
        gateway_status="Delivered",
    )
    handler = OutcomeHandler(pool)
    await handler.record([receipt])
    for event in (went, announcement, receipt, went):
        await handler.record([event])
    (row,) = (await acme.get("/v3/sms/history"))["data"]["data"]
    assert (row["status"], row["status_code"], row["error_text"]) == ("Sent", "201", None)
    (read,) = (await acme.get("/v3/sms/receipts"))["data"]["data"]
    assert (read["message_id"], read["status_code"], read["custom_string"]) == (message["message_id"], 201, "mine")
    assert (await acme.get(f"/v3/sms/receipts/{message['message_id']}"))["data"] == read
    assert (await acme.call("PUT", "/v3/sms/receipts-read", json={})).json()["data"] is None
    assert (await acme.get("/v3/sms/receipts"))["data"]["total"] == 0
    assert (await acme.get("/v3/statistics/sms"))["data"]["total"]["outbound"] == {"count": 1, "price": 0.0}


async def test_a_drop_is_in_the_history_with_its_reason_and_in_the_file_without_a_formula(
    acme: Caller, pool: Pool
) -> None:
    message = (await sent(acme, {**MESSAGE, "body": "=1+1"}))["messages"][0]
    announcement = announced(acme, message["message_id"], 1)
    common = announcement.model_dump(include={"account_id", "message_id", "list_id", "phone", "sender_number"})
    dropped = MessageSuppressed(
        event_id=uuid4(), occurred_at=AT, scope="list:9", state="opted_out", decision_started_at=AT, **common
    )
    await OutcomeHandler(pool).record([dropped])
    page = (await acme.get("/v3/sms/history", q=f"message_id:{message['message_id']},to:x", operator="OR"))["data"]
    assert (page["data"][0]["status"], page["data"][0]["error_text"]) == ("Failed", "opted_out: list:9")
    assert [
        (await acme.get("/v3/sms/history", q=f"status:{name}"))["data"]["total"] for name in ("Failed", "Sent")
    ] == [1, 0]
    assert (await acme.call("GET", "/v3/sms/history?q=nonsense:1")).status_code == 400
    assert (await acme.call("GET", "/v3/sms/history?order_by=body;drop")).status_code == 400
    url = (await acme.get("/v3/sms/history/export", filename="x.csv"))["data"]["url"]
    file = await acme.call("GET", url)
    assert "'=1+1" in file.text
    assert ",=1+1" not in file.text


async def test_replies_are_read_once(acme: Caller, record: Record) -> None:
    entries = [await record.message(acme.account_id, PHONE, text) for text in ("hello", "good morning")]
    page = (await acme.get("/v3/sms/inbound"))["data"]
    assert [(each["from"], each["to"], each["body"]) for each in page["data"]] == [
        (PHONE, NUMBER, "hello"),
        (PHONE, NUMBER, "good morning"),
    ]
    found = (await acme.get("/v3/sms/inbound", q=f"from:{PHONE},to:{NUMBER},body:hello"))["data"]
    assert ([each["body"] for each in found["data"]], found["total"]) == (["hello"], 1)
    newest = await acme.get("/v3/sms/inbound", order_by="timestamp:desc")
    assert [each["body"] for each in newest["data"]["data"]] == ["good morning", "hello"]
    one = await acme.call("PUT", f"/v3/sms/inbound-read/{entries[0].event_id}")
    assert (one.status_code, one.json()["data"]) == (200, None)
    assert [each["body"] for each in (await acme.get("/v3/sms/inbound"))["data"]["data"]] == ["good morning"]
    assert (await acme.call("PUT", "/v3/sms/inbound-read/x")).status_code == 404
    later = int((datetime.now(UTC) + timedelta(days=365)).timestamp())
    assert (await acme.call("PUT", "/v3/sms/inbound-read", json={"date_before": later})).status_code == 200
    assert (await acme.get("/v3/sms/inbound"))["data"]["total"] == 0


async def test_templates_are_kept_changed_and_deleted(acme: Caller, other: Caller) -> None:
    made = (await acme.call("POST", "/v3/sms/templates", json={"template_name": "A", "body": "Hi"})).json()["data"]
    one = f"/v3/sms/templates/{made['template_id']}"
    changed = await acme.call("PUT", one, json={"template_name": "A", "body": "Hello"})
    assert changed.json()["data"] == {"template_id": made["template_id"], "template_name": "A", "body": "Hello"}
    assert (await acme.get("/v3/sms/templates"))["data"]["data"] == [changed.json()["data"]]
    assert (await other.call("GET", one)).status_code == 404
    assert (await acme.call("DELETE", one)).json()["data"] == []
    assert (await acme.call("GET", one)).status_code == 404


async def test_templates_are_found_and_ordered_by_their_fields(acme: Caller) -> None:
    for name, body in (("B", "Hi"), ("A", "Hi"), ("C", "Bye")):
        await acme.call("POST", "/v3/sms/templates", json={"template_name": name, "body": body})
    for asked, expected in (
        ({"q": "body:Hi", "order_by": "template_name:asc"}, ["A", "B"]),
        ({"q": "body:Bye,template_name:A", "operator": "OR", "order_by": "template_id:desc"}, ["C", "A"]),
        ({"q": "field_name"}, ["B", "A", "C"]),
    ):
        page = (await acme.get("/v3/sms/templates", **asked))["data"]
        assert ([each["template_name"] for each in page["data"]], page["total"]) == (expected, len(expected))
    for wrong in ("q=nonsense:1", "order_by=body;drop", "order_by=field_name", "operator=NOT"):
        assert (await acme.call("GET", f"/v3/sms/templates?{wrong}")).status_code == 400


async def test_a_history_of_several_pieces_has_each_message_once(acme: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sms_history, "ROWS_AT_ONCE", 2)
    data = await sent(acme, *(5 * [MESSAGE]))  # all of one moment
    url = (await acme.get("/v3/sms/history/export", filename="x.csv"))["data"]["url"]
    rows = list(csv.DictReader(io.StringIO((await acme.call("GET", url)).text.removeprefix("\ufeff"))))
    assert sorted(row["message_id"] for row in rows) == sorted(each["message_id"] for each in data["messages"])
