"""Messages that never left are in the recipient's story with why, whoever asked for them, and are forgotten in time."""

from datetime import UTC, datetime
from uuid import uuid4

from optout_api_world import NUMBER, Caller, Record

from services.optout.decision_log.drops import forget_drops, save_drops
from shared.events.delivery import MessageRejected, MessageSuppressed, delivery_event_id
from shared.postgres import Pool

ANN, BOB = "+14155550100", "+14155550101"


async def test_messages_that_never_left_are_in_the_story_once_with_why(acme: Caller, other: Caller, pool: Pool) -> None:
    suppressed, rejected = never_left(acme.account_id, "m-1"), refused(acme.account_id, "m-2", is_parked=False)
    parked = refused(acme.account_id, "m-3", is_parked=True)
    async with pool.acquire() as connection:
        await save_drops(connection, [suppressed, rejected, parked, never_left(other.account_id, "m-4")])
        await save_drops(connection, [suppressed])  # it comes again
    items = (await acme.get("/v1/evidence", phone=ANN))["timeline"]
    assert [(each["message_id"], each["outcome"], each["error"]) for each in items] == [
        ("m-1", "suppressed", "list:7"),
        ("m-2", "rejected", "word_without_rule: name another"),
    ]
    async with pool.acquire() as connection:
        await forget_drops(connection, datetime(2026, 1, 3, tzinfo=UTC), 1_000)
    assert (await acme.get("/v1/evidence", phone=ANN))["timeline"] == []


async def test_a_message_that_is_refused_is_in_the_story_with_why(acme: Caller, record: Record) -> None:
    mine = await acme.new_list("Mine")
    await record.message(acme.account_id, ANN, "STOP", mine)
    message = {"source": "python", "body": "Hello", "from": NUMBER, "list_id": str(mine)}
    asked_for = {"messages": [{**message, "to": ANN}, {**message, "to": BOB}]}
    answer = (await acme.call("POST", "/v3/sms/send", json=asked_for)).json()["data"]
    assert [each["status"] for each in answer["messages"]] == ["RECIPIENT_OPTED_OUT", "SUCCESS"]
    await acme.call("POST", "/v3/sms/price", json=asked_for)  # asks, and sends nothing
    items = (await acme.get("/v1/evidence", phone=ANN))["timeline"]
    refused_ones = [each for each in items if each["what"] == "message"]
    assert [(each["outcome"], each["error"], each["list_id"]) for each in refused_ones] == [
        ("suppressed", f"list:{mine}", mine)
    ]


def never_left(account_id: str, message_id: str) -> MessageSuppressed:
    return MessageSuppressed(
        event_id=uuid4(),
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
        account_id=account_id,
        message_id=message_id,
        list_id=7,
        phone=ANN,
        sender_number=NUMBER,
        scope="list:7",
        state="opted_out",
        decision_started_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def refused(account_id: str, message_id: str, *, is_parked: bool) -> MessageRejected:
    own_id = delivery_event_id(account_id, message_id, "message_rejected")
    return MessageRejected(
        event_id=uuid4() if is_parked else own_id,
        occurred_at=datetime(2026, 1, 2, tzinfo=UTC),
        account_id=account_id,
        message_id=message_id,
        phone=ANN,
        reason="word_without_rule",
        detail="name another",
    )
