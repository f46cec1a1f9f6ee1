"""The files of the contract and their contents."""

import json
from pathlib import Path

import yaml

from shared.contract.asyncapi import asyncapi_document
from shared.contract.examples import examples
from shared.contract.registry import all_events, event_name
from shared.contract.schemas import json_schema
from shared.events.codec import encode
from shared.settings import KafkaSettings

_HEADER = "# Made by `python -m shared.contract` from the models in shared/events; do not edit.\n"
_DEFAULTS = KafkaSettings(kafka_bootstrap="localhost:9092", partitions=6, replication_factor=1)
_WIDTH = 120


def contract_files() -> dict[str, str]:
    """Return the text of each file, by its path in the folder `contract`.

    A golden file is one line: the value of a record as it is in Kafka, and a line feed.
    """
    schemas = {f"schemas/{event_name(event)}.json": _json(json_schema(event)) for event in all_events()}
    golden = {f"golden/{event_name(type(event))}.json": encode(event).decode() + "\n" for event in examples()}
    return {**schemas, **golden, "asyncapi.yaml": _HEADER + _yaml(asyncapi_document(_DEFAULTS))}


def write_contract(folder: Path) -> list[str]:
    """Write the files that differ, remove those of events that no longer exist, and return the paths of both."""
    made = contract_files()
    stale = [path for path in folder.glob("*/*.json") if str(path.relative_to(folder)) not in made]
    changed = [name for name, text in made.items() if _text(folder / name) != text]
    for name in changed:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(made[name], encoding="utf-8")
    for path in stale:
        path.unlink()
    return changed + [str(path.relative_to(folder)) for path in stale]


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


class _Dumper(yaml.SafeDumper):
    """A dumper that writes texts of several lines as blocks."""


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _string)


def _yaml(value: object) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
