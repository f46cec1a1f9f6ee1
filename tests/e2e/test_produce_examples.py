"""The examples of `examples/produce` request messages in each language that this machine has."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, TopicPartition
from shell import Shell

from harness.kafka.prepare import prepared_kafka
from shared.partitions import partition_of
from stopline_pytest import Account, Addresses, Stopline

EXAMPLES = Path(__file__).parents[2] / "examples" / "produce"
TOPIC = "outbound-messages"
BUILD_SECONDS = 600  # compiling on a machine that has other things to do

Command = Callable[[str, str], list[str]]


def needed(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not on this machine")
    return found


def run(command: list[str], folder: Path, seconds: float = BUILD_SECONDS, **environment: str) -> None:
    variables = {**os.environ, **environment}
    ended = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def python(_: Path) -> Command:
    program = str(Path(__file__).parents[2] / ".venv" / "bin" / "python")
    return lambda _phone, value: [program, str(EXAMPLES / "python" / "produce.py"), value]


def java(folder: Path) -> Command:
    needed("javac")
    kafka = prepared_kafka()
    if kafka is None:
        pytest.skip("Kafka's jars are not on this machine yet")
    jars = f"{kafka.jars_folder}/*"
    run(["javac", "-cp", jars, "-d", str(folder), str(EXAMPLES / "java" / "Produce.java")], folder)
    return lambda phone, value: ["java", "-cp", f"{jars}:{folder}", "Produce", phone, value]


def go(folder: Path) -> Command:
    # With a cold build cache Go's own library is compiled as well: 33 s of CPU time.
    run([needed("go"), "build", "-o", str(folder / "produce"), "."], EXAMPLES / "go", GOFLAGS="-mod=readonly")
    return lambda phone, value: [str(folder / "produce"), phone, value]


def javascript(folder: Path) -> Command:
    shutil.copytree(EXAMPLES / "javascript", folder / "js", ignore=shutil.ignore_patterns("node_modules"))
    run([needed("npm"), "ci", "--silent", "--no-audit", "--no-fund"], folder / "js")
    return lambda phone, value: [needed("node"), str(folder / "js" / "produce.js"), phone, value]


def kcat(_: Path) -> Command:
    needed("kcat")
    return lambda phone, value: [str(EXAMPLES / "kcat" / "produce.sh"), phone, value]


@pytest.fixture(scope="module")
def stopline(shell: Shell) -> Iterator[Stopline]:
    with Stopline(Addresses.parse(shell.status())) as opened:
        yield opened


@pytest.mark.timeout(BUILD_SECONDS + 120)
@pytest.mark.parametrize("language", [python, java, go, javascript, kcat], ids=lambda each: each.__name__)
def test_the_example_is_sent_before_a_stop_and_dropped_after_it_and_placed_by_murmur2(
    language: Callable[[Path], Command], stopline: Stopline, tmp_path: Path
) -> None:
    command = language(tmp_path)
    account = stopline.account()
    ada, news = account.phone(), account.list()

    def produce() -> str:
        message_id = str(uuid4())
        request = {
            "type": "message_requested",
            "version": 1,
            "account_id": account.account_id,
            "message_id": message_id,
            "list_id": news.list_id,
            "phone": ada.number,
            "sender_number": account.sender_number,
            "body": "Hello. Reply STOP to opt out",
        }
        run(command(ada.number, json.dumps(request)), tmp_path, 60, KAFKA=stopline.kafka_bootstrap)
        return message_id

    first = produce()
    account.message(first).assert_sent()
    ada.receives("Hello")
    ada.replies("STOP")
    account.message(produce()).assert_suppressed()
    ada.assert_got_nothing()
    assert place_of(stopline, account, first) == partition_of(ada.number, 6)


def place_of(stopline: Stopline, account: Account, message_id: str) -> int | None:
    """Return the partition of a request."""
    config = {**stopline.addresses.kafka_config(), "group.id": f"places-{account.account_id}"}
    consumer = Consumer({**config, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    partitions = consumer.list_topics(TOPIC, timeout=10).topics[TOPIC].partitions
    consumer.assign([TopicPartition(TOPIC, partition, 0) for partition in partitions])
    deadline = time.monotonic() + 30
    try:
        while time.monotonic() < deadline:
            record = consumer.poll(1)
            if record is not None and record.error() is None and message_id.encode() in (record.value() or b""):
                return record.partition()
    finally:
        consumer.close()
    return None
