"""A carrier's list is read once, then what is new of it; a round that failed goes on where it was."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from pydantic import SecretStr

from services.inbound.carrier_lists.aws import AwsAccess, AwsOptOuts
from services.inbound.carrier_lists.clicksend import ClickSendOptOuts
from services.inbound.carrier_lists.entry import CarrierList
from services.inbound.carrier_lists.http import ApiRequest, ApiResponse
from services.inbound.carrier_lists.read import ListReader
from shared.errors import TransientError
from shared.events.codec import decode
from shared.events.inbound import CarrierBlocked, inbound_event_adapter
from shared.producer import OutgoingRecord, Producer
from shared.topics import PARKED_MESSAGES

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
AWS = AwsOptOuts(AwsAccess("AKIA0", SecretStr("secret-key"), "us-east-1"), "Marketing")
CLICKSEND = ClickSendOptOuts("user", SecretStr("key"), "42")
POOLS = {"acme": {"Marketing": ["+18335550123"], "42": ["+18335550123"]}}


def phone(last: int) -> str:
    return f"+1415555{last:04d}"


class Appended:
    """A producer that keeps what it gets."""

    def __init__(self) -> None:
        self.blocks: list[CarrierBlocked] = []
        self.parked: list[OutgoingRecord] = []
        self.fails = False

    async def send_all(self, topic: str, _: int, records: Sequence[OutgoingRecord]) -> None:
        if self.fails:
            raise TransientError("Kafka is unavailable")
        for record in records:
            if topic == PARKED_MESSAGES:
                self.parked.append(record)
            else:
                event = decode(inbound_event_adapter, record.value)
                assert isinstance(event, CarrierBlocked)
                self.blocks.append(event)

    @property
    def phones(self) -> list[str]:
        return [each.phone for each in self.blocks]


class Reading:
    """A reader of a list that a test answers for."""

    def __init__(self, source: CarrierList = AWS) -> None:
        self.answers: list[Any] = []
        self.asked: list[dict[str, Any]] = []
        self.now = NOON
        self.heard_to: datetime | None = None
        self.appended = Appended()
        self.read = ListReader(
            "acme", source, self.send, cast("Producer", self.appended), partitions=6, pools=POOLS, turn=asyncio.Lock(),
            heard_to=lambda: self.heard_to,
            per_second=1e9,
            now=lambda: self.now,
        )  # fmt: skip

    async def send(self, request: ApiRequest) -> ApiResponse:
        self.asked.append(json.loads(request.body) if request.body else {"url": request.url})
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return ApiResponse(200, json.dumps(answer).encode()) if isinstance(answer, dict) else answer


def page(*phones: str, at: datetime = NOON - timedelta(days=9), then: str | None = None) -> dict[str, Any]:
    rows = [{"OptedOutNumber": each, "OptedOutTimestamp": at.timestamp(), "EndUserOptedOut": True} for each in phones]
    return {"OptedOutNumbers": rows, **({"NextToken": then} if then else {})}


async def test_a_round_that_failed_goes_on_with_its_page() -> None:
    reading = Reading()
    reading.answers = [page(phone(1), then="b"), TransientError("away"), page(phone(2))]
    with pytest.raises(TransientError):
        await reading.read()
    await reading.read()
    assert reading.appended.phones == [phone(1), phone(2)]
    assert [each.get("NextToken") for each in reading.asked] == [None, "b", "b"]


async def test_a_page_that_kafka_did_not_take_is_read_again() -> None:
    reading = Reading()
    reading.answers = [page(phone(1), then="b")] * 2 + [page(phone(2))]
    reading.appended.fails = True
    with pytest.raises(TransientError):
        await reading.read()
    reading.appended.fails = False
    await reading.read()
    assert reading.appended.phones == [phone(1), phone(2)]


async def test_a_carrier_that_does_not_know_its_page_any_more_is_asked_for_the_first() -> None:
    reading = Reading()
    refused = ApiResponse(400, b'{"__type": "ValidationException"}')
    reading.answers = [page(phone(1), then="b"), refused, page(phone(1), then="c"), page(phone(2))]
    with pytest.raises(TransientError):
        await reading.read()
    await reading.read()
    assert [each.get("NextToken") for each in reading.asked] == [None, "b", None, "c"]
    assert reading.appended.phones == [phone(1), phone(2)]


async def test_later_rounds_append_what_is_new_and_once_a_day_all_of_it() -> None:
    reading = Reading()
    new = page(phone(2), at=NOON + timedelta(minutes=5))
    old = page(phone(1))
    both = {"OptedOutNumbers": old["OptedOutNumbers"] + new["OptedOutNumbers"]}
    reading.answers = [old, both, both]
    await reading.read()
    reading.read._appended.clear()  # as after 20,000 others
    reading.now += timedelta(minutes=15)
    await reading.read()
    assert reading.appended.phones == [phone(1), phone(2)]
    reading.read._appended.clear()
    reading.now += timedelta(days=1)
    await reading.read()
    assert reading.appended.phones == [phone(1), phone(2), phone(1), phone(2)]
    assert len({each.event_id for each in reading.appended.blocks}) == 2


def contacts(added: datetime) -> dict[str, Any]:
    row = {"phone_number": phone(1), "date_added": int(added.timestamp())}
    return {"data": {"last_page": 1, "data": [row]}}


async def test_a_list_of_the_whole_account_is_read_when_our_own_decision_is_made() -> None:
    reading = Reading(CLICKSEND)
    reading.heard_to = NOON
    reading.answers = [contacts(NOON - timedelta(minutes=1))] * 2
    await reading.read()
    assert reading.appended.blocks == []
    reading.now += timedelta(minutes=15)
    reading.heard_to = reading.now
    await reading.read()
    assert reading.appended.phones == [phone(1)]
    assert "updated_after=" in reading.asked[1]["url"]


async def test_an_entry_of_a_list_of_the_whole_account_without_a_time_blocks_nobody() -> None:
    reading = Reading(CLICKSEND)
    reading.heard_to = NOON
    rows = [{"phone_number": phone(1)}, {"phone_number": phone(2), "date_added": 1}]
    reading.answers = [{"data": {"last_page": 1, "data": rows}}]
    await reading.read()
    assert reading.appended.blocks == []


async def test_an_api_that_ignores_the_page_is_not_asked_without_end() -> None:
    reading = Reading(CLICKSEND)
    reading.heard_to = NOON
    row = {"phone_number": phone(1), "date_added": int((NOON - timedelta(days=1)).timestamp())}
    reading.answers = [{"data": {"data": [row] * 100}}] * 9
    with pytest.raises(TransientError, match="again and again"):
        await reading.read()
    assert (len(reading.asked), reading.appended.phones) == (2, [phone(1)])


async def test_after_downtime_a_list_of_the_whole_account_waits_for_the_replies_that_it_records() -> None:
    reading = Reading(CLICKSEND)
    with pytest.raises(TransientError, match="caught up"):
        await reading.read()
    assert reading.asked == []
    reading.answers = [contacts(NOON - timedelta(hours=2))] * 3
    reading.heard_to = NOON - timedelta(hours=3)  # and so nobody knows of the STOP of an hour later
    await reading.read()
    reading.now += timedelta(hours=9)  # it is not caught up with yet
    await reading.read()
    assert reading.appended.blocks == []
    reading.heard_to = reading.now
    await reading.read()
    assert reading.appended.phones == [phone(1)]
    assert f"updated_after={int((NOON - timedelta(hours=4, minutes=15)).timestamp())}" in reading.asked[2]["url"]


async def test_an_entry_without_a_phone_is_parked_once_and_the_others_are_read() -> None:
    reading = Reading()
    reading.answers = [page("nobody", phone(2))] * 2
    await reading.read()
    reading.now += timedelta(days=2)
    await reading.read()
    assert (reading.appended.phones, len(reading.appended.parked)) == ([phone(2)], 1)
    headers = dict(reading.appended.parked[0].headers)
    assert (headers["parked_reason"], headers["webhook_kind"]) == (b"invalid_number", b"opt_out_list")
    assert b"nobody" in (reading.appended.parked[0].value or b"")


async def test_lists_of_several_accounts_share_the_pace() -> None:
    turn, slow, other = asyncio.Lock(), Reading(), Reading()
    slow.read._turn = other.read._turn = turn
    slow.answers, other.answers = [page(phone(1))], [page(phone(2))]
    async with turn:  # as while another account's page is appended
        waiting = asyncio.gather(slow.read(), other.read())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert slow.appended.phones == other.appended.phones == []
    await waiting
    assert (slow.appended.phones, other.appended.phones) == ([phone(1)], [phone(2)])
