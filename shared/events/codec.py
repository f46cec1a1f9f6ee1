"""Events to Kafka records and back: JSON values, CloudEvents headers (Kafka protocol binding, binary mode)."""

import json
from functools import lru_cache
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from shared.errors import PoisonError
from shared.events.base import Event, format_time

EventT = TypeVar("EventT")
Headers = list[tuple[str, bytes]]

MAX_EVENT_BYTES = 256 * 1024
_MAX_DETAIL_CHARACTERS = 480


def encode(event: Event) -> bytes:
    """Return the event as the JSON of a record's value."""
    return event.__pydantic_serializer__.to_json(event)  # half the time of model_dump_json().encode()


def cloud_event_headers(event: Event, source: str) -> Headers:
    """Return the headers for `event`, said by `source`, such as `stopline/sender`."""
    moment = event.cloud_event_time()
    return headers_of(type(event), source, event.cloud_event_id(), None if moment is None else format_time(moment))


def headers_of(event_type: type[Event], source: str, event_id: str, at: str | None) -> Headers:
    """Return the headers of an event that is written without its model; `at` is a formatted time."""
    version, *others = _same_headers(event_type, source)
    headers = [version, ("ce_id", event_id.encode()), *others]
    return headers if at is None else [*headers, ("ce_time", at.encode())]


@lru_cache(maxsize=256)
def _same_headers(event_type: type[Event], source: str) -> Headers:
    """Return what all events of a type have: reading it from the model costs as much as the event's JSON."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_type", event_type.cloud_event_type().encode()),
        ("ce_source", source.encode()),
        ("content-type", b"application/json"),
    ]


def decode(adapter: TypeAdapter[EventT], value: bytes | None) -> EventT:
    """Return the event that a record's value holds.

    Raises:
        PoisonError: `tombstone`, `too_large`, `not_json`, `unknown_type`, `unknown_version` or `invalid`.
    """
    if not value:
        raise PoisonError("tombstone", "the record has no value; produce a JSON object")
    if len(value) > MAX_EVENT_BYTES:
        raise PoisonError("too_large", f"the value has {len(value)} bytes; the limit is {MAX_EVENT_BYTES}")
    try:
        return adapter.validate_json(value)
    except ValidationError as error:
        raise _poison(error) from None
    except Exception as error:  # noqa: BLE001 (no record may end its reader, whatever it makes a validator do)
        raise PoisonError("invalid", f"{type(error).__name__}: {error}"[:_MAX_DETAIL_CHARACTERS]) from None


def _poison(error: ValidationError) -> PoisonError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    detail = f"{where}: {first['msg']}" if where else first["msg"]
    return PoisonError(_reason(first["type"], first["loc"]), detail[:_MAX_DETAIL_CHARACTERS])


def _reason(kind: str, location: tuple[int | str, ...]) -> str:
    if kind == "json_invalid":
        return "not_json"
    if kind.startswith("union_tag") or location[-1:] == ("type",):
        return "unknown_type"
    return "unknown_version" if location[-1:] == ("version",) else "invalid"


def salvage(value: bytes | None, *names: str) -> dict[str, str]:
    """Return those fields of a bad record that can still be read as text, to report it under its own id."""
    try:
        fields = json.loads(value or b"") if len(value or b"") <= MAX_EVENT_BYTES else None
    except (ValueError, RecursionError):
        return {}
    if not isinstance(fields, dict):
        return {}
    return {name: fields[name] for name in names if isinstance(fields.get(name), str)}
