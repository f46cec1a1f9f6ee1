"""Each gateway's documented example means the event that it should: `tests/data/gateways`, a file for each gateway."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from services.inbound.fields import FORM, read_fields
from services.inbound.gateways import MESSAGES, RECEIPTS
from services.inbound.gateways.reported import read_webhook
from services.inbound.responses import WebhookError
from shared.events.inbound import CarrierBlocked

FOLDER = Path(__file__).parents[3] / "data" / "gateways"
NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
EXAMPLES = [
    pytest.param(file.stem, example, id=f"{file.stem}: {example['source']}")
    for file in sorted(FOLDER.glob("*.json"))
    for example in json.loads(file.read_text())
]


def content(example: dict[str, Any]) -> tuple[str, bytes]:
    if "query" in example:
        return FORM, example["query"].encode()
    if "form" in example:
        return FORM, urlencode(example["form"]).encode()
    if "sns" in example:
        envelope = {
            "Type": "Notification",
            "Message": json.dumps(example["sns"]),
            "Timestamp": "2026-11-29T11:00:00.000Z",
        }
        return "text/plain; charset=UTF-8", json.dumps(envelope).encode()
    return "application/json", json.dumps(example["body"]).encode()


def model(gateway: str, example: dict[str, Any]) -> Any:
    return {"message": MESSAGES, "receipt": RECEIPTS}[example["address"]][gateway]


@pytest.mark.parametrize(("gateway", "example"), EXAMPLES)
def test_a_documented_example_means_its_events(gateway: str, example: dict[str, Any]) -> None:
    every = read_webhook(model(gateway, example), "acme", *content(example), NOW)
    read = [event for event in every if not isinstance(event, CarrierBlocked)]
    if "refused" in example:
        assert [event.reason for event in read if isinstance(event, WebhookError)] == [example["refused"]]
        return
    events = [json.loads(event.model_dump_json()) for event in read if not isinstance(event, WebhookError)]
    assert len(events) == len(read) == len(example["events"])
    for event, expected in zip(events, example["events"], strict=True):
        assert {name: event[name] for name in expected} == expected
        assert (event["gateway"], event["account_id"]) == (gateway, "acme")


@pytest.mark.parametrize(("gateway", "example"), [each for each in EXAMPLES if "block" in each.values[1]])
def test_a_carriers_own_opt_out_is_distinguished_from_other_failures(gateway: str, example: dict[str, Any]) -> None:
    [report] = model(gateway, example).reports(read_fields(*content(example)))
    reported = report.model.model_validate(report.fields)
    block = reported.carrier_block()
    assert (block.code if block else None) == example["block"]
    assert (block.pool_id if block else None) == example.get("block_scope", block and block.pool_id)
    every = read_webhook(model(gateway, example), "acme", *content(example), NOW)
    published = [event.code for event in every if isinstance(event, CarrierBlocked)]
    names_a_phone = getattr(reported.event("acme", NOW), "phone", None) is not None
    assert published == ([example["block"]] if block and names_a_phone else []), (
        "the sender publishes what names no phone"
    )


@pytest.mark.parametrize(("gateway", "example"), EXAMPLES)
def test_a_repetition_is_the_same_event(gateway: str, example: dict[str, Any]) -> None:
    first, second = (read_webhook(model(gateway, example), "acme", *content(example), NOW) for _ in range(2))
    ids = [
        (one.event_id, two.event_id)
        for one, two in zip(first, second, strict=True)
        if not isinstance(one, WebhookError) and not isinstance(two, WebhookError)
        if getattr(one, "gateway_message_id", "") is not None
    ]
    assert all(one == two for one, two in ids)


@pytest.mark.parametrize(("gateway", "example"), EXAMPLES)
def test_at_the_address_of_the_other_kind_it_is_what_it_is_or_parked(gateway: str, example: dict[str, Any]) -> None:
    other = {"message": RECEIPTS, "receipt": MESSAGES}[example["address"]][gateway]
    right, wrong = (read_webhook(each, "acme", *content(example), NOW) for each in (model(gateway, example), other))
    assert [type(event) for event in wrong] in ([type(event) for event in right], [WebhookError])


@pytest.mark.parametrize("gateway", sorted(MESSAGES.keys() - {"generic"}))
def test_every_gateway_has_examples_of_messages_and_of_receipts(gateway: str) -> None:
    addresses = {example["address"] for name, example in (each.values for each in EXAMPLES) if name == gateway}
    assert addresses == {"message", "receipt"}
