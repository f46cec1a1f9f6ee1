"""Kafka's own tools run from the jars of the embedded broker."""

import asyncio
import subprocess

import pytest
from harness_world import consume, make_topic

from harness.processes import HarnessError
from harness.stack.embedded import EmbeddedBackend
from harness.stack.kafka_tools import tool_command


async def test_the_console_producer_produces(embedded: EmbeddedBackend) -> None:
    await make_topic(embedded.kafka_bootstrap, "by-hand")
    command = tool_command(
        "kafka-console-producer", ["--bootstrap-server", embedded.kafka_bootstrap, "--topic", "by-hand"]
    )

    done = await asyncio.to_thread(
        subprocess.run, command, input=b"typed\n", capture_output=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert await consume(embedded.kafka_bootstrap, "by-hand", 1) == [b"typed"]


def test_a_tool_may_be_named_without_its_prefix(embedded: EmbeddedBackend) -> None:  # noqa: ARG001 (has the jars)
    assert tool_command("topics", ["--list"]) == tool_command("kafka-topics.sh", ["--list"])


def test_an_unknown_tool_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(HarnessError, match=r"no tool 'teleport' here; there are .*console-producer"):
        tool_command("teleport")
