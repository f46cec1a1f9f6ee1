"""Repetitions that SMPP does not mark, the order of deliveries, and the settings of the receiver."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from pydantic import SecretStr
from smsc import until

from services.inbound.smpp.binds import MAX_BINDS_PER_ACCOUNT, ReceiverBind, read_receivers
from services.inbound.smpp.receiver import Receiver
from services.inbound.smpp.repetitions import MAX_KEPT, Repetitions
from services.inbound.smpp.settings import ReceiverSettings
from shared.errors import MisconfiguredError
from shared.producer import OutgoingRecord, Producer
from shared.settings import load
from shared.smpp.pdus import Command, Pdu

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def test_a_message_is_a_repetition_only_after_its_answer_may_have_been_lost_and_once() -> None:
    repetitions, body = Repetitions(), b"STOP"
    assert not repetitions.is_repetition(body, NOW)
    repetitions.answered(body, NOW)
    assert not repetitions.is_repetition(body, NOW)
    repetitions.ended(NOW + timedelta(seconds=59))
    assert repetitions.is_repetition(body, NOW + timedelta(minutes=1))
    assert not repetitions.is_repetition(body, NOW + timedelta(minutes=1))


def test_what_the_smsc_was_asked_to_repeat_is_a_repetition_for_three_days_and_a_lost_answer_for_an_hour() -> None:
    repetitions = Repetitions()
    repetitions.failed(b"STOP", NOW)
    repetitions.failed(b"START", NOW)
    assert repetitions.is_repetition(b"STOP", NOW + timedelta(hours=71))
    assert not repetitions.is_repetition(b"START", NOW + timedelta(hours=72))
    for body in (b"YES", b"NO"):
        repetitions.answered(body, NOW)
    repetitions.ended(NOW)
    assert repetitions.is_repetition(b"YES", NOW + timedelta(minutes=59))
    assert not repetitions.is_repetition(b"NO", NOW + timedelta(minutes=60))


def test_an_answer_of_a_minute_ago_has_arrived_and_no_more_is_kept_than_the_limit() -> None:
    repetitions = Repetitions()
    repetitions.answered(b"old", NOW)
    repetitions.ended(NOW + timedelta(seconds=60))
    assert not repetitions.is_repetition(b"old", NOW)
    for number in range(MAX_KEPT + 1):
        repetitions.failed(str(number).encode(), NOW)
    assert not repetitions.is_repetition(b"0", NOW)
    assert repetitions.is_repetition(b"1", NOW)


class SlowProducer:
    """A producer whose Kafka acknowledges when the test says so."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.acknowledged = asyncio.Event()

    async def send_all(self, _: str, __: int, records: Sequence[OutgoingRecord]) -> int:
        self.begun += [json.loads(each.value or b"")["body"] for each in records]
        await self.acknowledged.wait()
        return 0


def receiver_with(producer: SlowProducer) -> Receiver:
    bind = ReceiverBind(host="smsc.example", system_id="acme", password=SecretStr("x"))
    return Receiver("acme", "acme", bind, cast("Producer", producer), 8, {}, 5)


def written(text: bytes, source: bytes = b"14155550100") -> Pdu:
    addresses = b"\0\1\1" + source + b"\0\1\1" + b"18335550123\0"
    return Pdu(Command.DELIVER_SM, 0, 1, addresses + bytes((0,) * 9 + (len(text),)) + text)


async def test_what_one_person_writes_reaches_kafka_in_its_order_and_waits_for_nobody_else() -> None:
    producer = SlowProducer()
    receiver = receiver_with(producer)
    async with asyncio.TaskGroup() as tasks:
        for pdu in (written(b"START"), written(b"STOP"), written(b"HELLO", b"14155550101")):
            tasks.create_task(receiver.handle(pdu))
        await until(lambda: len(producer.begun) == 2)
        assert producer.begun == ["START", "HELLO"]
        producer.acknowledged.set()
    assert producer.begun == ["START", "HELLO", "STOP"]


async def test_a_delivery_that_its_connection_did_not_outlive_may_come_again() -> None:
    producer = SlowProducer()
    receiver = receiver_with(producer)
    handling = asyncio.create_task(receiver.handle(written(b"START")))
    await until(lambda: bool(producer.begun))
    handling.cancel()
    await asyncio.wait([handling])
    receiver.connection_ended()
    assert receiver._repetitions.is_repetition(written(b"START").body, datetime.now(UTC))


ONE = {"host": "smsc.example", "system_id": "acme", "password": "sesame-of-acme"}


def test_an_account_has_one_bind_or_several() -> None:
    text = json.dumps({"acme": ONE, "beta": [{**ONE, "system_id": "b1"}, {**ONE, "system_id": "b2", "port": 3550}]})
    assert [(account, bind.system_id, bind.port) for account, bind in read_receivers(text)] == [
        ("acme", "acme", 2775), ("beta", "b1", 2775), ("beta", "b2", 3550)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "must be a JSON object"),
        ({"Acme Ltd": ONE}, "must be a JSON object"),
        ({"acme": []}, "acme: must be a bind, or a list of 1 to 8"),
        ({"acme": [ONE] * (MAX_BINDS_PER_ACCOUNT + 1)}, "acme: must be a bind, or a list of 1 to 8"),
        ({"acme": "sesame-of-acme"}, "acme: Input should be a valid dictionary"),
        ({"acme": {**ONE, "system_id": "x" * 16}}, "acme: system_id: String should have at most 15"),
        ({"acme": {**ONE, "passwort": "sesame-of-acme"}}, "acme: passwort: Extra inputs are not permitted"),
        ({"acme": {**ONE, "password": "sésame-of-acme"}}, "acme: password: SMPP carries ASCII only"),
        ({"acme": ONE, "beta": ONE}, "a system_id is bound twice to one SMSC"),
    ],
)
def test_a_wrong_setting_ends_the_start_and_shows_no_password(
    given: Any, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOPLINE_KAFKA_BOOTSTRAP", "a:9092")
    monkeypatch.setenv("STOPLINE_HTTP_PORT", "8088")
    monkeypatch.setenv("STOPLINE_SMPP_RECEIVERS", json.dumps(given))
    with pytest.raises(MisconfiguredError) as error:
        load(ReceiverSettings)
    assert f"STOPLINE_SMPP_RECEIVERS: {says}" in str(error.value)
    assert "same-of-acme" not in str(error.value)
