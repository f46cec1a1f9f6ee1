"""The AsyncAPI document is one: by the AsyncAPI Initiative's own schema, and with references that lead somewhere."""

import gzip
import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

FOLDER = Path(__file__).parents[2] / "contract"
_SCHEMA = Path(__file__).parent / "data" / "asyncapi-3.0.0.schema.json.gz"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "asyncapi.yaml").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def validator() -> Draft7Validator:
    return Draft7Validator(json.loads(gzip.decompress(_SCHEMA.read_bytes())))


def test_the_document_is_valid_asyncapi_3(document: dict[str, Any], validator: Draft7Validator) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert [error.message for error in validator.iter_errors(document)] == []


def test_a_slip_in_a_binding_or_an_operation_would_be_found(
    document: dict[str, Any], validator: Draft7Validator
) -> None:
    wrong_binding, wrong_operation = deepcopy(document), deepcopy(document)
    wrong_binding["channels"]["suppressions"]["bindings"]["kafka"]["partitions"] = "six"
    del wrong_operation["operations"]["send_suppressions"]["action"]
    assert not validator.is_valid(wrong_binding)
    assert not validator.is_valid(wrong_operation)


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from references(each)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = list(references(document))
    assert len(found) > 30
    for reference in found:
        if reference.startswith("./"):
            assert (FOLDER / reference).is_file(), reference
            continue
        node: Any = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
        assert isinstance(node, dict)


def test_headers_are_cloudevents_and_optional_only_for_outside_producers(document: dict[str, Any]) -> None:
    for name, message in document["components"]["messages"].items():
        if name == "parked_record":
            continue
        headers = message["headers"]["schema"]
        assert headers["properties"]["ce_specversion"] == {"const": "1.0"}
        assert headers["properties"]["ce_type"]["const"].endswith(f".{name}")
        assert ("required" not in headers) == (name in {"message_requested.v1", "message_cancel_requested.v1"})
