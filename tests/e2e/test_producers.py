"""Any Kafka client may ask for a message, with any partitioner: what opted out is dropped all the same."""

import json
import shutil
import subprocess
from collections.abc import Callable
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from harness.account import Account
from harness.client import ApiClient, follow_delivery_events, request_json
from harness.sandbox.client import SandboxClient
from harness.stack.kafka_tools import tool_command
from harness.stack.stack import Stack
from harness.story.stage import any_phone
from shared.events.outbound import MessageRequested

SENDER_NUMBER = "+18335550123"
SETTLED = ("message_sent", "message_suppressed", "message_failed", "message_outcome_unknown", "message_rejected")

ProduceLine = Callable[[str, str, str], None]


def with_the_java_console_producer(bootstrap: str, key: str, line: str) -> None:
    subprocess.run(
        tool_command(
            "console-producer",
            ["--bootstrap-server", bootstrap, "--topic", "outbound-messages", "--reader-property", "parse.key=true"],
        ),
        input=f"{key}\t{line}\n",
        text=True,
        check=True,
        capture_output=True,
        timeout=60,
    )


def with_confluent_kafka(bootstrap: str, key: str, line: str) -> None:
    """librdkafka places keys by CRC32 where the Java client uses murmur2."""
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "consistent_random"})
    producer.produce("outbound-messages", line.encode(), key=key.encode())
    assert producer.flush(30) == 0


def with_kcat(bootstrap: str, key: str, line: str) -> None:
    if shutil.which("kcat") is None:
        pytest.skip("kcat is not installed")
    subprocess.run(
        ["kcat", "-P", "-b", bootstrap, "-t", "outbound-messages", "-K", "\t"],
        input=f"{key}\t{line}\n",
        text=True,
        check=True,
        timeout=60,
    )


@pytest.mark.parametrize("produce", [with_the_java_console_producer, with_confluent_kafka, with_kcat])
async def test_a_message_from_any_client_arrives_before_a_stop_and_is_dropped_after_it(
    produce: ProduceLine, stopline_stack: Stack, stopline_account: Account
) -> None:
    ends = stopline_stack.endpoints()
    phone = any_phone()

    async with (
        ApiClient(ends.api_url, stopline_account) as api,
        SandboxClient(ends.sandbox_url) as sandbox,
        follow_delivery_events(ends.kafka_bootstrap) as events,
    ):
        list_id = await api.create_list("news")

        async def outcome(text: str) -> str:
            request = MessageRequested(
                account_id=stopline_account.account_id,
                message_id=str(uuid4()),
                list_id=list_id,
                phone=phone,
                sender_number=SENDER_NUMBER,
                body=text,
            )
            produce(ends.kafka_bootstrap, phone, request_json(request))
            return (await events.of_message(request.message_id, *SETTLED)).type

        assert await outcome("Hello. Reply STOP to opt out") == "message_sent"
        stop = await sandbox.reply(phone, "STOP")
        assert stop["status_code"] == 200
        assert await outcome("Hello again. Reply STOP to opt out") == "message_suppressed"
        assert len(await sandbox.messages(phone)) == 1


async def test_a_request_with_an_id_that_does_not_validate_is_reported_as_rejected(stopline_stack: Stack) -> None:
    bootstrap = stopline_stack.endpoints().kafka_bootstrap
    message_id = str(uuid4())
    bad = {"type": "message_requested", "version": 1, "account_id": "demo", "message_id": message_id, "phone": "nobody"}
    async with follow_delivery_events(bootstrap) as events:
        with_confluent_kafka(bootstrap, "x", json.dumps(bad))
        event = await events.of_message(message_id, "message_rejected")
    assert event.type == "message_rejected"
    assert event.reason == "invalid"
