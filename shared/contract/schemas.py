"""A JSON Schema per event, for the value of a record."""

from typing import Any

from shared.contract.registry import event_name
from shared.events.base import Event

DIALECT = "http://json-schema.org/draft-07/schema#"
"""The dialect that every AsyncAPI tool must know; pydantic writes the same for our events in it and in 2020-12."""
_ALWAYS_THERE = ["type", "version"]


def json_schema(event: type[Event]) -> dict[str, Any]:
    """Return the schema, its parts within it. Fields that it does not name are allowed, and readers ignore them."""
    made = event.model_json_schema(mode="validation")
    parts = made.get("$defs", {})
    properties = {name: _without_title(_whole(schema, parts)) for name, schema in made["properties"].items()}
    for name in _ALWAYS_THERE:
        properties[name].pop("default")
    return {
        "$schema": DIALECT,
        "$id": f"urn:stopline:{event_name(event)}",
        "title": made["title"],
        "description": made.get("description", ""),
        "type": "object",
        "properties": properties,
        "required": _ALWAYS_THERE + [name for name in made.get("required", []) if name not in _ALWAYS_THERE],
    }


def _without_title(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != "title"}


def _whole(schema: Any, parts: dict[str, Any]) -> Any:
    """Return a schema with each part in the place of the reference to it: `$defs` would need draft 2020-12."""
    match schema:
        case {"$ref": str(name)}:
            return _whole(parts[name.removeprefix("#/$defs/")], parts)
        case dict():
            return {key: _whole(value, parts) for key, value in schema.items()}
        case list():
            return [_whole(each, parts) for each in schema]
        case _:
            return schema
