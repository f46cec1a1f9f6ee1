"""What FastStream says of the handlers that read by it agrees with the contract: topics, events and their fields."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from faststream.specification import AsyncAPI

from services.sender.receipts import ReceiptHandler
from services.sender.settings import SenderSettings
from services.sender.receipts import receipt_subscription

FOLDER = Path(__file__).parents[2] / "contract"


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "asyncapi.yaml").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """FastStream's own document of the sender's subscription."""
    handler: Any = ReceiptHandler(None, None)  # type: ignore[arg-type]  # nothing is read
    settings = SenderSettings.model_construct(kafka_bootstrap="localhost:9092")
    subscription = receipt_subscription(settings, handler, print)
    document = AsyncAPI(subscription.broker, schema_version="3.0.0").to_specification().to_jsonable()
    return json.loads(json.dumps(document))


def test_every_topic_that_faststream_reads_is_in_the_contract(
    described: dict[str, Any], contract: dict[str, Any]
) -> None:
    assert described["channels"]
    addresses = {channel["address"] for channel in described["channels"].values()}
    assert addresses <= {channel["address"] for channel in contract["channels"].values()}
    assert {operation["action"] for operation in described["operations"].values()} == {"receive"}


def test_every_event_that_faststream_reads_is_in_its_topics_contract_with_the_same_fields(
    described: dict[str, Any], contract: dict[str, Any]
) -> None:
    for channel in described["channels"].values():
        promised = {
            contract["components"]["messages"][name]["title"]: name
            for name in contract["channels"][channel["address"]]["messages"]
        }
        events = list(_events(described, channel))
        assert events
        for event in events:
            schema = json.loads((FOLDER / "schemas" / f"{promised[event['title']]}.json").read_text(encoding="utf-8"))
            assert _fields(event) == _fields(schema)


def _events(document: dict[str, Any], channel: dict[str, Any]) -> Any:
    for message in channel["messages"].values():
        payload = _followed(document, _followed(document, message)["payload"])
        handled = _followed(document, payload.get("items", payload))  # a handler of batches gets a list
        for each in handled.get("anyOf", [handled]):
            yield _followed(document, each)


def _followed(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def _fields(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the fields without their titles; those with a constant value are required in the contract."""
    constant = {name for name, field in schema["properties"].items() if "const" in field}
    fields = {
        name: {what: value for what, value in field.items() if what != "title" and (what != "default" or name not in constant)}
        for name, field in schema["properties"].items()
    }
    return {"fields": fields, "required": sorted({*schema["required"], *constant})}
