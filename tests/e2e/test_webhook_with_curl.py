"""A gateway's webhook, posted with curl as the README shows it."""

import subprocess
from uuid import uuid4

from harness.account import Account
from harness.client import ApiClient, follow_delivery_events, produce
from harness.stack.stack import Stack
from harness.story.stage import any_phone
from shared.events.outbound import MessageRequested

SENDER_NUMBER = "+18335550123"


def curl(*words: str) -> str:
    return subprocess.run(
        ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout


async def test_a_stop_posted_with_curl_stops_the_next_message_of_that_list(
    stopline_stack: Stack, stopline_account: Account
) -> None:
    ends = stopline_stack.endpoints()
    phone = any_phone()
    async with (
        ApiClient(ends.api_url, stopline_account) as api,
        follow_delivery_events(ends.kafka_bootstrap) as events,
    ):
        list_id = await api.create_list("news")

        def request() -> MessageRequested:
            return MessageRequested(
                account_id=stopline_account.account_id,
                message_id=str(uuid4()),
                list_id=list_id,
                phone=phone,
                sender_number=SENDER_NUMBER,
                body="Hello. Reply STOP to opt out",
            )

        first, second = request(), request()
        await produce(ends.kafka_bootstrap, [first])
        await events.of_message(first.message_id, "message_sent")
        fields = [
            f"from={phone}",
            f"to={SENDER_NUMBER}",
            "body=Stop",
            f"message_id={uuid4()}",
            f"custom_string={first.message_id}",
        ]
        words = [word for field in fields for word in ("--data-urlencode", field)]
        assert curl(*words, stopline_account.webhook_url) == "200"
        await produce(ends.kafka_bootstrap, [second])
        dropped = await events.of_message(second.message_id, "message_suppressed", "message_sent")
        assert dropped.type == "message_suppressed"
        assert dropped.scope == f"list:{list_id}"


async def test_a_wrong_secret_is_not_found(stopline_account: Account) -> None:
    wrong = stopline_account.webhook_url[:-1] + ("a" if stopline_account.webhook_url[-1] != "a" else "b")
    assert curl("--data-urlencode", "from=+14155550100", "--data-urlencode", "body=STOP", wrong) == "404"
