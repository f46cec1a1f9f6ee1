"""Each way to be secured works, and what is wrong with one is one line and an exit code, no silent waiting."""

import asyncio
import json
import subprocess
from pathlib import Path

import pytest
from certificates import Authority
from secured_kafka import ADMIN, SecuredKafka, password
from secured_postgres import SecuredPostgres
from secured_world import OURS, Deployment, stopline

from harness.client import produce
from harness.kafka.tool_properties import write_properties
from harness.phones.follow import TopicFollower
from harness.phones.observed import Observed
from harness.phones.send import request_messages
from harness.stack.kafka_tools import tool_command
from harness.stack.service import Service
from shared.events.outbound import MessageRequested
from shared.kafka import connect, new_consumer, stop_quietly
from shared.kafka_connection import KafkaConnection, Login, Tls
from shared.topics import PARKED_MESSAGES

MISCONFIGURED, FAILED = 78, 1


def certified(kafka: SecuredKafka, user: str) -> Tls:
    shown = kafka.authority.sign(user)
    return Tls(kafka.authority.certificate, shown.certificate, shown.key)


def ways(kafka: SecuredKafka, user: str) -> dict[str, KafkaConnection]:
    tls = Tls(kafka.authority.certificate)
    secret = password(user)
    return {
        "SCRAM-SHA-512": KafkaConnection(kafka.logins, Login("SCRAM-SHA-512", user, secret), tls),
        "SCRAM-SHA-256": KafkaConnection(kafka.logins, Login("SCRAM-SHA-256", user, secret), tls),
        "PLAIN": KafkaConnection(kafka.logins, Login("PLAIN", user, secret), tls),
        "SCRAM without TLS": KafkaConnection(kafka.clear, Login("SCRAM-SHA-512", user, secret)),
        "client certificate": KafkaConnection(kafka.certified, tls=certified(kafka, user)),
    }


@pytest.mark.parametrize("way", ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "SCRAM without TLS", "client certificate"])
async def test_each_way_writes_and_reads(kafka: SecuredKafka, way: str) -> None:
    message = MessageRequested(
        account_id="nobody", message_id="by-each-way", list_id=1, phone="+13125550143", sender_number="+18335550123",
        body="Hello. Reply STOP to opt out",
    )  # fmt: skip
    await produce(ways(kafka, "producer")[way], [message])
    reading = ways(kafka, "operator")[way]
    consumer = new_consumer(reading, PARKED_MESSAGES, auto_offset_reset="earliest")
    try:
        await connect(consumer.start(), reading)
        assert await consumer.end_offsets(list(consumer.assignment()))
    finally:
        await stop_quietly(consumer)


async def test_the_page_of_phones_follows_and_requests_with_its_own_login(kafka: SecuredKafka) -> None:
    connection, seen = ways(kafka, "phones")["SCRAM-SHA-512"], asyncio.Queue[Observed]()
    follower = TopicFollower(connection, seen.put_nowait)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        following = group.create_task(follower.run())
        await follower.is_following.wait()
        await request_messages(connection, "nobody", 1, ["+13125550143"], "By a phone. Reply STOP to opt out")
        while getattr((await seen.get()).event, "body", "") != "By a phone. Reply STOP to opt out":
            pass
        following.cancel()


def test_what_kafka_refuses_is_one_line(kafka: SecuredKafka, tmp_path: Path) -> None:
    good, other = kafka.settings(ADMIN), Authority(tmp_path, "other")
    tls_only = {name: value for name, value in good.items() if "SASL" not in name}
    by_certificate = {
        **tls_only,
        "STOPLINE_KAFKA_BOOTSTRAP": kafka.certified,
        "STOPLINE_KAFKA_SECURITY_PROTOCOL": "SSL",
    }
    wrong: dict[str, tuple[dict[str, str], int]] = {
        "refuses the login of 'admin'": ({**good, "STOPLINE_KAFKA_SASL_PASSWORD": "wrong"}, MISCONFIGURED),
        "refuses the login of 'unknown'": ({**good, "STOPLINE_KAFKA_SASL_USERNAME": "unknown"}, MISCONFIGURED),
        "certificate": ({**good, "STOPLINE_KAFKA_CA_FILE": str(other.certificate)}, MISCONFIGURED),
        "Hostname mismatch": (
            {**good, "STOPLINE_KAFKA_BOOTSTRAP": kafka.logins.replace("127.0.0.1", "localhost")},
            MISCONFIGURED,
        ),
        "hangs up on a client with SSL": (by_certificate, FAILED),
        "hangs up on a client with PLAINTEXT": ({"STOPLINE_KAFKA_BOOTSTRAP": kafka.logins}, FAILED),
    }
    for text, (settings, code) in wrong.items():
        last = stopline(settings, "topics", "check", code=code).strip().splitlines()[-1]
        assert text in last
        assert last.startswith("stopline: ")


@pytest.mark.parametrize("way", ["SCRAM-SHA-512", "client certificate"])
def test_kafkas_own_tools_log_in_as_we_do(kafka: SecuredKafka, way: str, tmp_path: Path) -> None:
    connection = ways(kafka, "operator")[way]
    properties = write_properties(connection, tmp_path)
    assert properties.stat().st_mode & 0o77 == 0
    tool = tool_command(
        "topics", ["--bootstrap-server", connection.bootstrap, "--command-config", str(properties), "--list"]
    )
    done = subprocess.run(tool, capture_output=True, text=True, timeout=60, check=False)
    assert PARKED_MESSAGES in done.stdout.split(), done.stderr


def test_a_login_without_rights_is_sent_to_the_table(kafka: SecuredKafka) -> None:
    said = stopline(kafka.settings("nobody"), "topics", "check", code=MISCONFIGURED)
    assert "our login may not see it (`stopline topics acls`)" in said


def test_an_operator_lists_parked_records(kafka: SecuredKafka) -> None:
    lines = stopline(kafka.settings("operator"), "parked", "list").strip().splitlines()
    assert all(json.loads(line)["value_bytes"] >= 0 for line in lines)


@pytest.mark.parametrize("name", OURS)
async def test_a_service_with_a_wrong_password_ends_and_says_so(deployment: Deployment, name: str) -> None:
    service = deployment.services[name]
    await service.stop()
    try:
        await ends_with(service, {"STOPLINE_KAFKA_SASL_PASSWORD": "wrong"}, f"refuses the login of '{name}'")
    finally:
        await service.start()


@pytest.mark.parametrize(("service", "role"), [("optout", "optout_pipeline"), ("sender", "sender")])
async def test_a_service_refuses_a_postgres_that_is_not_the_one(
    deployment: Deployment, postgres: SecuredPostgres, tmp_path: Path, service: str, role: str
) -> None:
    running, setting = deployment.services[service], f"STOPLINE_{service.upper()}_DATABASE_URL"
    await running.stop()
    wrong = {
        "certificate": postgres.url(role, sslrootcert=Authority(tmp_path, "other").certificate),
        "Hostname mismatch": postgres.url(role).replace("127.0.0.1", "localhost"),
        "No such file": postgres.url(role, sslrootcert=tmp_path / "missing.crt"),
        "no encryption": postgres.url(role).partition("?")[0] + "?sslmode=disable",
    }
    try:
        for text, url in wrong.items() if service == "sender" else [*wrong.items()][:2]:
            await ends_with(running, {setting: url}, text)
            assert setting in running.process.log_tail(1)
    finally:
        await running.start()


async def ends_with(service: Service, settings: dict[str, str], text: str) -> None:
    await service.start(extra_env=settings, wait=False)
    assert await service.process.wait_exit(60) == MISCONFIGURED
    assert text in service.process.log_tail(1)
    assert "Traceback" not in service.process.log_tail(50)
