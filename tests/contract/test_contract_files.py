"""The contract in the repository is what the models give, and holds together."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, FormatChecker
from pydantic import ValidationError

from shared.contract.examples import examples
from shared.contract.files import contract_files, write_contract
from shared.contract.registry import CONTRACTS, all_events, event_name
from shared.contract.schemas import json_schema
from shared.events.base import Event
from shared.events.outbound import MessageRequested
from shared.settings import KafkaSettings
from shared.topics import topics

FOLDER = Path(__file__).parents[2] / "contract"
NAMES = [event_name(event) for event in all_events()]


def schema(name: str) -> Draft7Validator:
    content = json.loads((FOLDER / "schemas" / f"{name}.json").read_text(encoding="utf-8"))
    Draft7Validator.check_schema(content)
    return Draft7Validator(content, format_checker=FormatChecker())


def golden(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "golden" / f"{name}.json").read_bytes())
    return found


def test_the_files_in_the_repository_are_what_the_models_give() -> None:
    written = {
        str(path.relative_to(FOLDER)): path.read_text(encoding="utf-8")
        for path in FOLDER.rglob("*")
        if path.is_file() and path.name != "README.md"
    }
    made = contract_files()
    differing = [name for name in sorted(made.keys() | written.keys()) if made.get(name) != written.get(name)]
    assert not differing, f"run `python -m shared.contract` and commit: {differing}"


def test_a_changed_model_changes_its_file(tmp_path: Path) -> None:
    write_contract(tmp_path)
    (tmp_path / "schemas" / "message_requested.v1.json").write_text("{}")
    (tmp_path / "golden" / "an_event_that_is_no_more.v1.json").write_text("{}")
    assert write_contract(tmp_path) == [
        "schemas/message_requested.v1.json",
        "golden/an_event_that_is_no_more.v1.json",
    ]
    assert write_contract(tmp_path) == []


def test_a_field_more_in_a_model_shows_in_its_schema() -> None:
    class MessageRequested(all_events()[NAMES.index("message_requested.v1")]):  # type: ignore[misc]
        campaign: str

    assert json_schema(MessageRequested) != json_schema(MessageRequested.__mro__[1])


def test_every_event_of_every_topic_has_a_schema_and_a_golden_file() -> None:
    assert sorted(path.stem for path in (FOLDER / "schemas").iterdir()) == sorted(NAMES)
    assert sorted(path.stem for path in (FOLDER / "golden").iterdir()) == sorted(NAMES)
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_file_validates_against_its_schema(name: str) -> None:
    schema(name).validate(golden(name))


@pytest.mark.parametrize("event", examples(), ids=lambda event: event_name(type(event)))
def test_an_example_fills_every_field(event: Event) -> None:
    missing = [name for name in type(event).model_fields if getattr(event, name) is None]
    assert missing == []


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_asks_for_type_and_version_and_refuses_another_type(name: str) -> None:
    validator, value = schema(name), golden(name)
    for field in ("type", "version"):
        assert not validator.is_valid({key: kept for key, kept in value.items() if key != field})
    assert not validator.is_valid({**value, "type": "something_else"})
    assert not validator.is_valid({**value, "version": 2})
    assert validator.is_valid({**value, "a_field_of_next_year": {"x": [1]}})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone", "0415 555 0100"),
        ("phone", "+1415"),
        ("list_id", 0),
        ("list_id", "12"),
        ("list_id", 2**53),
        ("body", ""),
        ("body", "x" * 20_001),
        ("account_id", "Acme Ltd"),
        ("message_id", "with a space"),
        ("message_id", "x" * 129),
    ],
)
def test_the_schema_of_a_request_refuses_what_the_sender_refuses(field: str, value: object) -> None:
    assert not schema("message_requested.v1").is_valid({**golden("message_requested.v1"), field: value})


def test_the_asyncapi_document_shows_the_topics_as_they_are_made() -> None:
    channels = yaml.safe_load((FOLDER / "asyncapi.yaml").read_text(encoding="utf-8"))["channels"]
    made = {topic.name: topic for topic in topics(KafkaSettings(kafka_bootstrap="localhost:9092"))}
    assert channels.keys() == made.keys()
    for name, channel in channels.items():
        binding = channel["bindings"]["kafka"]
        assert binding["partitions"] == made[name].partitions
        assert binding["topicConfiguration"]["cleanup.policy"] == made[name].configs["cleanup.policy"].split(",")
    assert {contract.name for contract in CONTRACTS} < made.keys()


@pytest.mark.parametrize(
    "number",
    ["+18335550123", "18335550123", "+1 (833) 555-0123", "0018335550123", "12345", "55-55", "Acme", " acme Shop ", "A&B"],
)
def test_the_schema_of_a_request_takes_the_sender_numbers_that_the_sender_takes(number: str) -> None:
    value = {**golden("message_requested.v1"), "sender_number": number}
    assert schema("message_requested.v1").is_valid(value)
    assert MessageRequested.model_validate_json(json.dumps(value))


@pytest.mark.parametrize("number", ["", "12", "a name that is too long", "\u260e", "+0123456789", "+" + "1" * 16, "Acme!"])
def test_the_schema_of_a_request_refuses_the_sender_numbers_that_the_sender_refuses(number: str) -> None:
    value = {**golden("message_requested.v1"), "sender_number": number}
    assert not schema("message_requested.v1").is_valid(value)
    with pytest.raises(ValidationError):
        MessageRequested.model_validate_json(json.dumps(value))


@pytest.mark.parametrize("phone", ["+44 (0)7700 900123", "0044 7700 900123", "+447700900123", "+4407700900123"])
def test_a_request_takes_every_spelling_that_names_its_country_and_makes_it_canonical(phone: str) -> None:
    value = {**golden("message_requested.v1"), "phone": phone}
    assert schema("message_requested.v1").is_valid(value)
    assert MessageRequested.model_validate_json(json.dumps(value)).phone == "+447700900123"
