"""A policy decides how far a STOP reaches: tried from outside up to the sender, and judged by the checker."""

import json
import random
from uuid import uuid4

import httpx
import pytest
from confluent_kafka import Producer

from harness.account import Account
from harness.certificates import certificates
from harness.checker import check
from harness.checker.read import Run, read_history
from harness.checker.read_kafka import end_positions
from harness.client import ApiClient, follow_delivery_events
from harness.sandbox.client import SandboxClient
from harness.stack.stack import Stack

NUMBER, OTHER_NUMBER = "+18335550123", "+18335550124"
SETTLED = ("message_sent", "message_suppressed", "message_failed", "message_outcome_unknown", "message_rejected")
DROPPED, SENT = "message_suppressed", "message_sent"


@pytest.mark.parametrize(
    ("country", "reach", "from_both"),
    [
        ("US", "account", (DROPPED, DROPPED)),
        ("US", "sender", (DROPPED, SENT)),
        ("US", "list", (SENT, SENT)),
        ("CA", "account", (SENT, SENT)),  # not this recipient's country
    ],
)
async def test_a_stop_to_one_list_reaches_as_far_as_the_policy_of_the_recipients_country(
    country: str,
    reach: str,
    from_both: tuple[str, str],
    stopline_stack: Stack,
    stopline_account: Account,
) -> None:
    ends, account = stopline_stack.endpoints(), stopline_account
    phone = f"+1212555{random.randrange(10_000):04d}"  # noqa: S311 (no secret)
    producer = Producer({"bootstrap.servers": ends.kafka_bootstrap})
    async with (
        ApiClient(ends.api_url, account) as api,
        follow_delivery_events(ends.kafka_bootstrap) as events,
        httpx.AsyncClient(verify=certificates(), auth=(account.account_id, account.api_key)) as http,
        SandboxClient(ends.sandbox_url) as sandbox,
    ):
        since = await end_positions(ends.kafka_bootstrap)  # others leave records that nobody can read
        lists = [await api.create_list(f"list {uuid4().hex[:8]}") for _ in range(2)]
        policy = {"country": country, "reach": reach, "reason": "a test", "by": "tests"}
        assert (await http.post(f"{ends.api_url}/v1/policies", json=policy)).status_code == 201

        async def outcome(list_id: int, number: str) -> str:
            message_id = str(uuid4())
            request = {
                "type": "message_requested", "version": 1, "account_id": account.account_id, "message_id": message_id,
                "list_id": list_id, "phone": phone, "sender_number": number, "body": "Hello. Reply STOP to opt out",
            }  # fmt: skip
            producer.produce("outbound-messages", json.dumps(request).encode())
            assert producer.flush(30) == 0
            return (await events.of_message(message_id, *SETTLED)).type

        async def writes(text: str) -> None:
            form = {"from": phone, "to": NUMBER, "body": text, "message_id": str(uuid4())}
            assert (await http.post(account.webhook_url, data=form)).status_code == 200

        assert await outcome(lists[0], NUMBER) == SENT
        await writes("STOP")
        assert await outcome(lists[0], NUMBER) == DROPPED
        assert (await outcome(lists[1], NUMBER), await outcome(lists[1], OTHER_NUMBER)) == from_both
        await writes("START")
        assert [await outcome(each, NUMBER) for each in lists] == [SENT, SENT]
        run = Run(ends.kafka_bootstrap, ends.api_url, sandbox, account, [phone], since)
        assert check(await read_history(run)) == []
