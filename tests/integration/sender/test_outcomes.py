"""What the sender does with messages: a real process on real Kafka and Postgres, against the sandbox carrier."""

import pytest
from sender_world import Kafka, World, raw, until

pytestmark = pytest.mark.timeout(120)


async def test_an_allowed_message_is_announced_called_once_and_published_as_sent(world: World) -> None:
    asked = world.request(1)
    await world.kafka.produce(asked)
    await world.until_sent(asked)
    (call,) = await world.sandbox.calls(world.account_id)
    sent, announced = world.kafka.event(asked, "message_sent"), world.kafka.event(asked, "message_dispatching")
    assert (call["message_id"], call["to"], call["body"]) == (asked.message_id, asked.phone, asked.body)
    assert sent.carrier_message_id == call["carrier_message_id"]
    assert announced.decision_started_at <= announced.occurred_at
    assert (sent.list_id, sent.phone, sent.sender_number) == (asked.list_id, asked.phone, asked.sender_number)


@pytest.mark.parametrize("scope", ["list:7", "account", "sender:+14155550199"])
async def test_a_suppressed_message_is_dropped_with_an_event_that_says_why(scope: str, world: World) -> None:
    asked, elsewhere = world.request(1), world.request(2)
    await world.opt_out.suppress(asked, scope)
    await world.kafka.produce(asked, elsewhere)
    await until("both decided", lambda: world.kafka.published(asked) and world.is_sent(elsewhere))
    assert world.kafka.published(asked) == ["message_suppressed"]
    dropped = world.kafka.event(asked, "message_suppressed")
    assert (dropped.scope, dropped.state) == (scope, "opted_out")
    assert await world.calls() == [elsewhere.message_id]


async def test_a_held_number_is_as_forbidden_and_the_event_says_so(world: World) -> None:
    asked = world.request(1)
    await world.opt_out.suppress(asked, "list:7", "held")
    await world.kafka.produce(asked)
    await until("dropped", lambda: world.kafka.published(asked) == ["message_suppressed"])
    assert world.kafka.event(asked, "message_suppressed").state == "held"


async def test_an_opt_in_lets_messages_through_again(world: World) -> None:
    asked = world.request(1)
    await world.opt_out.suppress(asked, "list:7")
    await world.opt_out.suppress(asked, "list:7", "opted_in")
    await world.kafka.produce(asked)
    await world.until_sent(asked)


async def test_the_second_message_with_an_id_is_never_sent(world: World) -> None:
    first, again = world.request(1), world.request(1, phone="+14155557777", body="Another text. STOP")
    await world.kafka.produce(first, first)  # `again` goes to another partition: only later is it surely the second
    await until("sent", lambda: "message_sent" in world.kafka.published(first))
    await world.kafka.produce(again, world.request(2))
    await world.until_sent(world.request(2))
    assert (await world.calls()).count(first.message_id) == 1
    assert {event.phone for event in world.kafka.outcomes[world.account_id, first.message_id]} == {first.phone}


async def test_what_the_carrier_refuses_is_failed_and_what_it_does_not_answer_is_unknown(world: World) -> None:
    refused, broken, dropped = (world.request(number) for number in range(3))
    for asked, faults, outcome in (
        (refused, {"error_rate": 1, "error_status": 422}, "message_failed"),
        (broken, {"error_rate": 1, "error_status": 500}, "message_outcome_unknown"),
        (dropped, {"drop_rate": 1}, "message_outcome_unknown"),
    ):
        await world.sandbox.set_faults(**faults)
        await world.kafka.produce(asked)
        await until(
            outcome,
            lambda asked=asked, outcome=outcome: world.kafka.published(asked)[-1:] == [outcome],
        )
    assert world.kafka.event(refused, "message_failed").reason.startswith("422 ")
    assert len(await world.calls()) == 3


async def test_a_receipt_settles_a_message_whose_call_had_no_answer(world: World) -> None:
    asked = world.request(1)
    await world.sandbox.set_faults(drop_rate=1, drop_when="after")
    await world.kafka.produce(asked)
    await until("unknown", lambda: "message_outcome_unknown" in world.kafka.published(asked))
    await world.kafka.receipt(asked, "carrier-id-1")
    await until("sent", lambda: world.kafka.published(asked)[-1] == "message_sent")
    assert world.kafka.event(asked, "message_sent").carrier_message_id == "carrier-id-1"
    assert len(await world.calls()) == 1


async def test_bad_records_are_parked_once_with_their_bytes_and_the_partition_goes_on(world: World) -> None:
    good = world.request(1)
    named = raw(account_id=world.account_id, message_id="m-named", phone="+14155550101", list_id="seven")
    not_utf8 = [("trace", b"\xff\xfe"), ("empty", None)]
    records = [
        await world.kafka.produce_raw(b"not json", headers=not_utf8),
        await world.kafka.produce_raw(None),
        await world.kafka.produce_raw(b'{"type": "something_else"}'),
        await world.kafka.produce_raw(b'{"type": "message_requested", "version": 2}'),
        await world.kafka.produce_raw(b"x" * 1_000_000, key=None),
        await world.kafka.produce_raw(named),
    ]
    await world.kafka.produce(good, partition=0)
    await world.until_sent(good)
    places = {str(record.offset).encode() for record in records}
    parked = await until("all are parked", lambda: _parked(world.kafka, places, len(records)))
    assert [dict(each.headers)["parked_reason"] for each in parked] == [
        b"not_json", b"tombstone", b"unknown_type", b"unknown_version", b"too_large", b"invalid",
    ]  # fmt: skip
    assert [each.value for each in parked[:2]] == [b"not json", None]
    assert dict(parked[0].headers)["original_header_trace"] == b"\xff\xfe"
    assert len(parked[4].value) == 1_000_000
    (rejected,) = world.kafka.outcomes[world.account_id, "m-named"]
    assert (rejected.type, rejected.reason, rejected.phone) == ("message_rejected", "invalid", "+14155550101")


def _parked(kafka: Kafka, offsets: set[bytes], count: int) -> list:
    found = [each for each in kafka.parked if dict(each.headers).get("original_offset") in offsets]
    found = [each for each in found if dict(each.headers)["original_partition"] == b"0"]
    return sorted(found, key=lambda each: int(dict(each.headers)["original_offset"])) if len(found) == count else []
