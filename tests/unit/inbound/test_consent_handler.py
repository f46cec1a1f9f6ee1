"""Opt-outs that a carrier does not take are tried again for an hour, then parked; what it refuses is parked at once."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from pydantic import SecretStr
from test_consents import event

from services.inbound.carrier_lists.aws import AwsAccess
from services.inbound.carrier_lists.aws_consents import AwsConsents
from services.inbound.carrier_lists.consents import ConsentWriter, consents_of
from services.inbound.carrier_lists.http import ApiRequest, ApiResponse
from services.inbound.carrier_lists.twilio_consents import TwilioConsents, _correlation_id
from services.inbound.carrier_lists.write import GIVE_UP, ConsentHandler, PolledEvent, events_of_account
from services.inbound.poll.api_keys import ApiCredential, GatewayAccount
from services.inbound.poll.client import ApiBusyError, GatewayApiError
from shared.consumer import Polled
from shared.errors import TransientError
from shared.events.codec import cloud_event_headers, encode
from shared.events.opt_out import AnyOptOutEvent, OptedIn
from shared.producer import OutgoingRecord, Producer
from shared.topics import PARKED_MESSAGES

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
OK = ApiResponse(200, b"{}")
REFUSED = ApiResponse(400, b'{"__type": "ValidationException"}')


class PolledRecord:
    """A record as a consumer brings it."""

    topic, partition = "opt-out-events", 3

    def __init__(self, about: AnyOptOutEvent, offset: int) -> None:
        self.offset = offset
        self.key: bytes | None = about.phone.encode()
        self.value: bytes | None = encode(about)
        self.headers = tuple(cloud_event_headers(about, "stopline/optout"))


def polled(*events: AnyOptOutEvent) -> list[PolledEvent]:
    records = [PolledRecord(each, offset) for offset, each in enumerate(events)]
    return [PolledEvent(cast("Polled", record), each) for record, each in zip(records, events, strict=True)]


class Handling:
    """A handler whose carrier a test answers for."""

    def __init__(self, writer: ConsentWriter | None = None, call_seconds: float = 0) -> None:
        self.call_seconds = call_seconds
        self.answers: list[Any] = []
        self.parked: list[OutgoingRecord] = []
        self.slept: list[float] = []
        self.now = NOON
        aws = AwsConsents(AwsAccess("AKIA0", SecretStr("secret"), "us-east-1"), "acme", ("Own",), {})
        account = GatewayAccount("acme", "aws", ApiCredential(base_url="https://aws.example"))
        self.handler = ConsentHandler(
            account, writer or aws, "account", self.send, cast("Producer", self), now=lambda: self.now, sleep=self.sleep
        )

    async def send(self, request: ApiRequest) -> ApiResponse:
        assert request.body
        self.now += timedelta(seconds=self.call_seconds)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, ApiResponse)
        return answer

    async def send_and_wait(self, topic: str, value: bytes | None, key: bytes | None, **more: Any) -> None:
        assert (topic, more["partition"]) == (PARKED_MESSAGES, 0)
        self.parked.append(OutgoingRecord(key, value, more["headers"]))

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def test_what_was_written_is_not_written_again_when_the_batch_comes_again() -> None:
    handling = Handling()
    handling.answers = [OK, GatewayApiError("503"), OK]
    batch = polled(event(), event(phone="+14155550101"))
    with pytest.raises(TransientError):
        await handling.handler.handle(batch)
    await handling.handler.handle(batch)
    assert (handling.answers, handling.parked) == ([], [])
    handling.answers = [OK, OK]
    await handling.handler.handle(batch)  # an operator has moved the offset back
    assert handling.answers == []


async def test_a_refusal_parks_its_event_and_holds_up_no_other() -> None:
    handling = Handling()
    handling.answers = [REFUSED, OK]
    await handling.handler.handle(polled(event(), event(OptedIn, phone="+14155550101")))
    (record,) = handling.parked
    headers = dict(record.headers)
    assert headers["parked_reason"] == b"carrier_refuses"
    assert b"ValidationException" in headers["parked_detail"]
    assert b"account acme at aws" in headers["parked_detail"]
    assert (headers["original_topic"], headers["original_offset"]) == (b"opt-out-events", b"0")
    assert handling.answers == []


async def test_a_batch_that_takes_long_goes_on_where_it_was_before_the_group_is_left() -> None:
    handling = Handling(call_seconds=19)
    batch = polled(*(event(phone=f"+141555501{last:02d}") for last in range(10)))
    handling.answers = [OK] * 10
    with pytest.raises(TransientError, match="3 are left"):
        await handling.handler.handle(batch)
    assert handling.now - NOON < timedelta(minutes=3)
    await handling.handler.handle(batch)
    assert (handling.answers, handling.parked) == ([], [])


async def test_what_is_refused_together_is_written_one_by_one() -> None:
    twilio = TwilioConsents("AC1", SecretStr("token"), "acme", ("MG1",), {})
    handling = Handling(twilio)
    batch = polled(event(), event(phone="+14155550101"), event(phone="+14155550102"))
    ids = [_correlation_id(c) for each in batch for c in consents_of(each.event, twilio, "account")]
    taken = [ApiResponse(201, json.dumps({"items": [{"correlation_id": id_}]}).encode()) for id_ in ids]
    handling.answers = [REFUSED, taken[0], REFUSED, taken[2]]
    with pytest.raises(TransientError, match="one by one"):
        await handling.handler.handle(batch)
    assert handling.parked == []
    await handling.handler.handle(batch)
    assert [dict(each.headers)["original_offset"] for each in handling.parked] == [b"1"]
    handling.answers = [ApiResponse(201, json.dumps({"items": [{"correlation_id": id_} for id_ in ids]}).encode())]
    await handling.handler.handle(batch)
    assert handling.answers == []


async def test_pauses_grow_and_a_carrier_may_ask_for_its_own() -> None:
    handling = Handling()
    handling.answers = [
        GatewayApiError("503"),
        GatewayApiError("503"),
        ApiBusyError("429", 45),
        ApiBusyError("429", 600),
    ]
    for _ in range(4):
        with pytest.raises(TransientError):
            await handling.handler.handle(polled(event()))
    assert handling.slept == [5, 15, 45, 120]


async def test_what_could_not_be_written_for_an_hour_is_parked_and_the_next_has_an_hour_of_its_own() -> None:
    handling = Handling()
    batch = polled(event(), event(phone="+14155550101"))
    handling.answers = [GatewayApiError("503")] * 3
    with pytest.raises(TransientError):
        await handling.handler.handle(batch)
    handling.now += GIVE_UP
    with pytest.raises(TransientError):
        await handling.handler.handle(batch)
    assert [dict(each.headers)["parked_reason"] for each in handling.parked] == [b"carrier_unavailable"]
    handling.now += timedelta(minutes=1)
    handling.answers = [OK]
    await handling.handler.handle(batch)
    assert (len(handling.parked), handling.answers) == (1, [])


def test_only_what_can_be_read_of_the_account_is_handled() -> None:
    mine, other = event(), event().model_copy(update={"account_id": "other"})
    records: list[Any] = [PolledRecord(mine, 0), PolledRecord(other, 1), PolledRecord(mine, 2), PolledRecord(mine, 3)]
    records[2].value, records[3].value = b'{"account_id": "acme"', None
    assert [each.event for each in events_of_account("acme", records)] == [mine]


async def test_what_is_over_a_week_old_is_not_written_when_writing_is_switched_on() -> None:
    handling = Handling()
    handling.now = NOON + timedelta(days=7)
    handling.answers = [OK]
    last_week = event().model_copy(update={"occurred_at": NOON - timedelta(seconds=1)})
    await handling.handler.handle(polled(last_week, event(phone="+14155550101")))
    assert (handling.answers, handling.parked) == ([], [])
    await handling.handler.handle(polled(last_week))
