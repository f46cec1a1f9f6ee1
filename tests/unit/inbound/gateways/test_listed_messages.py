"""A row of each gateway's list is the event that the gateway's webhook is: `tests/data/gateway_lists`."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from stub_of_gateways import api_of, stub
from test_documented_examples import content

from services.inbound.gateways import MESSAGES
from services.inbound.gateways.reported import read_listed, read_webhook
from services.inbound.poll.credentials import MESSAGE_LISTS
from services.inbound.poll.lists.listed import ListedMessage
from shared.events.base import format_time
from shared.events.inbound import MessageReceived

FOLDER = Path(__file__).parents[3] / "data" / "gateway_lists"
NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
SINCE = NOW - timedelta(days=1)
LISTS = [
    pytest.param(file.stem, example, id=f"{file.stem}: {example['source']}")
    for file in sorted(FOLDER.glob("*.json"))
    for example in json.loads(file.read_text())
]


@pytest.mark.parametrize(("gateway", "example"), LISTS)
async def test_a_row_of_the_list_is_the_event_of_its_webhook(gateway: str, example: dict[str, Any]) -> None:
    [row] = await rows_of(gateway, example)
    [listed] = read_listed(MESSAGES[gateway], "acme", row.fields, row.at, NOW)
    [posted] = read_webhook(MESSAGES[gateway], "acme", *content(example["same_as"]), NOW)
    assert isinstance(listed, MessageReceived)
    assert isinstance(posted, MessageReceived)
    assert listed.model_copy(update={"listed_sent_at": None}) == posted
    at = listed.listed_sent_at
    assert (at and format_time(at)) == example["listed_sent_at"]


async def rows_of(gateway: str, example: dict[str, Any]) -> list[ListedMessage]:
    """Read the list from a stub that gives the example's responses, one for each call that it expects."""
    expected = list(example["calls"])

    def respond(_: web.Request, __: bytes) -> web.Response:
        return web.json_response(expected.pop(0)["response"]) if expected else web.Response(status=418)

    messages = MESSAGE_LISTS[gateway]()
    async with stub(respond) as (address, seen), api_of(gateway, example["credential"], address) as api:
        rows = [row async for page in messages.pages(api, SINCE) for row in page]
        await messages.done(api, rows)
    assert [(call.method, call.path, call.query) for call in seen] == [
        (call["method"], call["path"], call.get("query", {})) for call in example["calls"]
    ]
    assert [json.loads(call.content) if call.content else None for call in seen] == [
        call.get("content") for call in example["calls"]
    ]
    for name, value in example["headers"].items():
        assert {call.headers[name] for call in seen} == {value}
    return rows


def test_every_list_has_an_example() -> None:
    assert {file.stem for file in FOLDER.glob("*.json")} == set(MESSAGE_LISTS)
