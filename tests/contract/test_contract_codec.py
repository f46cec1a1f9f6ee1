"""What the golden files hold is what our readers read and our writers write; what differs is refused by its reason."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from pydantic import TypeAdapter

from shared.contract.examples import examples
from shared.contract.registry import event_name
from shared.errors import PoisonError
from shared.events.anchor import anchors
from shared.events.base import Event
from shared.events.codec import MAX_EVENT_BYTES, cloud_event_headers, decode, encode
from shared.events.delivery import delivery_event_adapter
from shared.events.inbound import inbound_event_adapter
from shared.events.opt_out import opt_out_event_adapter
from shared.events.outbound import outbound_event_adapter
from shared.events.reception import reception_event_adapter
from shared.events.suppression import suppression_event_adapter

FOLDER = Path(__file__).parents[2] / "contract"
ADAPTERS: dict[str, TypeAdapter[Any]] = {
    "inbound": inbound_event_adapter,
    "optout": opt_out_event_adapter,
    "suppression": suppression_event_adapter,
    "outbound": outbound_event_adapter,
    "delivery": delivery_event_adapter,
    "evidence": anchors,
    "reception": reception_event_adapter,
}
EACH = pytest.mark.parametrize("event", examples(), ids=lambda event: event_name(type(event)))


def golden(event: Event) -> bytes:
    return (FOLDER / "golden" / f"{event_name(type(event))}.json").read_bytes().removesuffix(b"\n")


def read(event: Event, value: bytes | None) -> Event:
    found: Event = decode(ADAPTERS[event.category], value)
    return found


def refusal(event: Event, value: bytes | None) -> str:
    with pytest.raises(PoisonError) as caught:
        read(event, value)
    assert caught.value.detail
    return caught.value.reason


def changed(event: Event, **fields: object) -> bytes:
    return json.dumps({**json.loads(golden(event)), **fields}).encode()


@EACH
def test_a_golden_file_is_read_as_the_event_and_written_as_the_same_bytes(event: Event) -> None:
    decoded = read(event, golden(event))
    assert decoded == event
    assert type(decoded) is type(event)
    assert encode(decoded) == golden(event)


@EACH
def test_fields_that_are_not_known_are_ignored(event: Event) -> None:
    assert read(event, changed(event, a_field_of_next_year={"x": [1, None]})) == event


@EACH
def test_another_version_is_unknown_not_misread(event: Event) -> None:
    assert refusal(event, changed(event, version=2)) == "unknown_version"
    assert refusal(event, changed(event, version="1")) == "unknown_version"


@EACH
def test_another_type_is_unknown(event: Event) -> None:
    assert refusal(event, changed(event, type="something_else")) == "unknown_type"
    assert refusal(event, changed(event, type=7)) == "unknown_type"


@EACH
def test_a_wrong_type_in_any_field_is_invalid(event: Event) -> None:
    for name in type(event).model_fields:
        if name not in {"type", "version"}:
            assert refusal(event, changed(event, **{name: [["not this"]]})) == "invalid", name


@EACH
def test_what_is_not_an_event_is_refused(event: Event) -> None:
    assert refusal(event, None) == "tombstone"
    assert refusal(event, b"") == "tombstone"
    assert refusal(event, b"\xff\xfe") == "not_json"
    assert refusal(event, golden(event)[:-1]) == "not_json"
    assert refusal(event, golden(event).replace(b'"type"', b'"ty\xffpe"')) == "not_json"
    assert refusal(event, b"[" * 100_000) == "not_json"
    assert refusal(event, b" " * (MAX_EVENT_BYTES + 1)) == "too_large"
    assert refusal(event, b"[]") in {"invalid", "unknown_type"}


@EACH
def test_the_headers_are_cloudevents_of_the_kafka_binding(event: Event) -> None:
    headers = dict(cloud_event_headers(event, "stopline/test"))
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_type"].decode() == f"stopline.{event.category}.{event_name(type(event))}"
    assert headers["ce_id"]
    assert headers["ce_source"] == b"stopline/test"
    assert headers["content-type"] == b"application/json"
    moment = event.cloud_event_time()
    assert ("ce_time" in headers) == (moment is not None)


@EACH
def test_a_replay_has_the_same_id(event: Event) -> None:
    assert read(event, golden(event)).cloud_event_id() == event.cloud_event_id()


@EACH
def test_schema_and_reader_agree_on_every_field_that_is_left_out(event: Event) -> None:
    content = json.loads((FOLDER / "schemas" / f"{event_name(type(event))}.json").read_text(encoding="utf-8"))
    validator, value = Draft7Validator(content), json.loads(golden(event))
    for name in value.keys() - {"type", "version"}:
        less = {key: kept for key, kept in value.items() if key != name}
        if validator.is_valid(less):
            read(event, json.dumps(less).encode())
        else:
            assert refusal(event, json.dumps(less).encode()) == "invalid"
