"""One person is one number, in whichever spelling messages, contacts and replies have it: tried from outside."""

import json
import random
from uuid import uuid4

import httpx
import pytest
from confluent_kafka import Producer

from harness.account import Account
from harness.certificates import certificates
from harness.client import ApiClient, follow_delivery_events
from harness.stack.stack import Stack

SENDER_NUMBER = "+18335550123"
SETTLED = ("message_sent", "message_suppressed", "message_failed", "message_outcome_unknown", "message_rejected")


def produce(bootstrap: str, account_id: str, list_id: int, phone: str) -> str:
    message_id = str(uuid4())
    request = {
        "type": "message_requested",
        "version": 1,
        "account_id": account_id,
        "message_id": message_id,
        "list_id": list_id,
        "phone": phone,
        "sender_number": SENDER_NUMBER,
        "body": "Hello. Reply STOP to opt out",
    }
    producer = Producer({"bootstrap.servers": bootstrap})
    producer.produce("outbound-messages", json.dumps(request).encode(), key=phone.encode())
    assert producer.flush(30) == 0
    return message_id


@pytest.mark.parametrize(
    ("canonical", "sent_as", "stopped_as"),
    [
        ("+52551234{}", "+521551234{}", "+52551234{}"),
        ("+52551234{}", "+52551234{}", "+521551234{}"),
        ("+44770090{}", "+44 (0)7700 90{}", "+44770090{}"),
        ("+551198{}123", "+55118{}123", "+55 (0)11 98{}123"),
        ("+1312555{}", "+1312555{}", "312555{}"),
        ("+1415555{}", "+1415555{}", "415555{}"),
        ("+54911234{}5", "+54911234{}5", "+5411234{}5"),
    ],
)
async def test_a_stop_stops_the_person_however_both_are_written(
    canonical: str, sent_as: str, stopped_as: str, stopline_stack: Stack, stopline_account: Account
) -> None:
    ends = stopline_stack.endpoints()
    number = f"{random.randrange(10_000):04d}"  # noqa: S311 (no secret)
    phone, sent, stopped = (spelling.format(number) for spelling in (canonical, sent_as, stopped_as))
    async with (
        ApiClient(ends.api_url, stopline_account) as api,
        follow_delivery_events(ends.kafka_bootstrap) as events,
        httpx.AsyncClient(verify=certificates()) as http,
    ):
        list_id = await api.create_list(f"list {uuid4().hex[:8]}")
        await api.add_contacts(list_id, [sent])

        async def outcome(spelling: str) -> tuple[str, str | None]:
            asked = produce(ends.kafka_bootstrap, stopline_account.account_id, list_id, spelling)
            event = await events.of_message(asked, *SETTLED)
            return event.type, getattr(event, "phone", None)

        assert await outcome(sent) == ("message_sent", phone)
        form = {"from": stopped, "to": SENDER_NUMBER, "body": "STOP", "message_id": str(uuid4())}
        assert (await http.post(stopline_account.webhook_url, data=form)).status_code == 200
        assert await outcome(sent) == ("message_suppressed", phone)
        assert await outcome(phone) == ("message_suppressed", phone)
        assert await api.contact_status(list_id, phone) == "opted_out"
        assert [each["state"] for each in await api.opt_outs(stopped if stopped[0] == "+" else phone)] == ["opted_out"]
