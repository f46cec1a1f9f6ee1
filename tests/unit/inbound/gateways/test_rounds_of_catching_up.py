"""A round of catching up is complete only if all that is listed is in Kafka, whatever the list does meanwhile."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from stub_of_gateways import api_of, stub

from services.inbound.poll import catch_up
from services.inbound.poll.catch_up import CatchUp, Window
from services.inbound.poll.client import GatewayApi
from services.inbound.poll.credentials import MESSAGE_LISTS
from services.inbound.records import PlacedRecord

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
SECRET = "the-secret-of-these-tests"  # noqa: S105
CLICKSEND = {"username": "acme", "api_key": SECRET}
TWILIO = {"account_sid": "AC22222222222222222222222222222222", "auth_token": SECRET}
PATH = "/v3/sms/inbound"


class KafkaOfATest:
    """What is appended, and how far the rounds have come."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bodies: list[str] = []
        self.complete_at: list[int] = []
        """How many records there were when a round was noted as complete."""

        async def append(_: object, records: list[PlacedRecord]) -> None:
            self.bodies += [json.loads(placed.record.value or b"")["body"] for placed in records]

        monkeypatch.setattr(catch_up, "append", append)

    def complete_to(self, _: str, __: str) -> None:
        return None

    async def note(self, _: str, __: str, ___: datetime) -> None:
        self.complete_at.append(len(self.bodies))

    def round_at(self, api: GatewayApi) -> CatchUp:
        day = timedelta(days=1)
        window = Window(overlap=timedelta(minutes=15), first=day)
        messages = MESSAGE_LISTS[api.account.gateway]()
        return CatchUp(api, messages, self, self, partitions=4, pools={}, window=window, now=lambda: NOW)  # type: ignore[arg-type]  # the producer is not used


class ClickSendOfATest:
    """ClickSend's list of unread messages, the oldest first; `forgets` are messages that it does not know any more."""

    def __init__(self, count: int, *, forgets: bool = False) -> None:
        self.unread = {f"m{n}": n for n in range(count)}
        self.forgets = forgets

    def respond(self, request: web.Request, _: bytes) -> web.Response:
        if request.method == "PUT":
            if self.forgets:
                return web.json_response({"http_code": 404}, status=404)
            del self.unread[request.path.rpartition("/")[2]]
            return web.json_response({})
        if request.path != PATH:
            rule = {"enabled": 1, "message_search_type": 0, "action": "POLL", "dedicated_number": "*"}
            return web.json_response({"data": {"data": [rule], "last_page": 1}})
        page, rows = int(request.query["page"]), list(self.unread.items())
        some = [self._row(*row) for row in rows[(page - 1) * 2 : page * 2]]
        return web.json_response({"data": {"data": some, "last_page": max(1, -(-len(rows) // 2))}})

    def _row(self, id_: str, number: int) -> dict[str, Any]:
        at = int(NOW.timestamp()) - 3_600 + number
        return {"message_id": id_, "from": "+61411111111", "to": "+61422222222", "body": str(number), "timestamp": at}


async def test_a_list_that_moves_up_while_it_is_read_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catch_up, "MAX_ROWS_AT_ONCE", 4)
    kafka, gateway = KafkaOfATest(monkeypatch), ClickSendOfATest(11)
    async with stub(gateway.respond) as (address, _), api_of("clicksend", CLICKSEND, address) as api:
        await kafka.round_at(api)()
    assert sorted(kafka.bodies, key=int) == [str(n) for n in range(11)]
    assert kafka.complete_at == [11]
    assert not gateway.unread


async def test_a_list_that_does_not_get_shorter_is_not_read_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catch_up, "MAX_ROWS_AT_ONCE", 4)
    kafka, gateway = KafkaOfATest(monkeypatch), ClickSendOfATest(11, forgets=True)
    async with stub(gateway.respond) as (address, _), api_of("clicksend", CLICKSEND, address) as api:
        with pytest.raises(catch_up.GatewayApiError, match="listed again"):
            await kafka.round_at(api)()
    assert not kafka.complete_at


async def test_that_a_message_cannot_be_marked_as_read_does_not_leave_its_account_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kafka, gateway = KafkaOfATest(monkeypatch), ClickSendOfATest(3, forgets=True)
    async with stub(gateway.respond) as (address, _), api_of("clicksend", CLICKSEND, address) as api:
        await kafka.round_at(api)()
    assert kafka.complete_at == [3]


async def rows_of(gateway: str, credential: dict[str, Any], respond: Callable[[web.Request], object]) -> list[str]:
    async with (
        stub(lambda request, _: web.json_response(respond(request))) as (address, _),
        api_of(gateway, credential, address) as api,
    ):
        pages = MESSAGE_LISTS[gateway]().pages(api, NOW - timedelta(minutes=15))
        return [
            row.fields["body" if gateway != "twilio" else "Body"]
            for rows in [each async for each in pages]
            for row in rows
        ]


async def test_a_message_that_waited_for_hours_before_it_was_sent_does_not_end_twilios_list() -> None:
    def row(direction: str, created: int, sent: int) -> dict[str, Any]:
        at = [f"{NOW - timedelta(minutes=minutes):%a, %d %b %Y %H:%M:%S +0000}" for minutes in (created, sent)]
        return {"direction": direction, "date_created": at[0], "date_sent": at[1], "from": "+1", "body": "STOP"}

    pages = [
        {"messages": [row("outbound-api", 600, 1)], "next_page_uri": "/2"},
        {"messages": [row("inbound", 2, 2), row("outbound-api", 600, 3)], "next_page_uri": "/3"},
        {"messages": [row("outbound-api", 600, 3), row("inbound", 4, 4)], "next_page_uri": "/4"},
        {"messages": [row("inbound", 20, 20)], "next_page_uri": "/5"},
    ]
    assert await rows_of("twilio", TWILIO, lambda _: pages.pop(0)) == ["STOP", "STOP"]
    assert not pages


@pytest.mark.parametrize("says_total", [True, False])
async def test_a_gateway_that_gives_shorter_pages_than_asked_for_is_read_to_its_end(says_total: bool) -> None:  # noqa: FBT001 (a case)
    all_rows = [{"type": "mo_text", "id": str(n), "body": str(n)} for n in range(5)]

    def sinch(request: web.Request) -> object:
        page = int(request.query["page"])
        return {"inbounds": all_rows[page * 2 : page * 2 + 2], **({"count": 5} if says_total else {})}

    def messagebird(request: web.Request) -> object:
        offset = int(request.query["offset"])
        return {"items": all_rows[offset : offset + 2], **({"totalCount": 5} if says_total else {})}

    assert await rows_of("sinch", {"service_plan_id": "plan", "api_token": SECRET}, sinch) == list("01234")
    assert await rows_of("messagebird", {"access_key": SECRET}, messagebird) == list("01234")


async def test_a_text_that_cannot_be_stored_stops_no_round(monkeypatch: pytest.MonkeyPatch) -> None:
    kafka = KafkaOfATest(monkeypatch)
    row = {"type": "mo_text", "id": "1", "from": "61411111111", "to": "61422222222", "body": "STOP \ud83d\0"}
    row["received_at"] = "2026-11-29T11:59:00.000Z"
    async with (
        stub(lambda _, __: web.json_response({"count": 1, "inbounds": [row]})) as (address, _),
        api_of("sinch", {"service_plan_id": "plan", "api_token": SECRET}, address) as api,
    ):
        await kafka.round_at(api)()
    assert kafka.bodies == ["STOP \ufffd\ufffd"]
    assert kafka.complete_at == [1]
