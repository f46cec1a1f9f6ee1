"""Exports of the command line: pages of the API become lines of JSON, each whole."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.cli.account_api import ApiLogin
from harness.cli.export_file import export_contacts

CONTACTS: list[dict[str, Any]] = [
    {"phone": f"+1415555010{number}", "fields": {"first_name": "=Bob\n"}} for number in range(3)
]


class PagedApi(ApiLogin):
    """An API with two pages of contacts."""

    def pages(self, path: str, name: str, query: Mapping[str, str]) -> Iterator[list[dict[str, Any]]]:
        assert (path, name, query["status"]) == ("/v1/lists/7/contacts", "contacts", "active")
        yield CONTACTS[:2]
        yield CONTACTS[2:]


def test_contacts_are_exported_as_lines_of_json_as_they_are(tmp_path: Path) -> None:
    to = tmp_path / "contacts.jsonl"
    export_contacts(PagedApi("http://api", ""), 7, to, as_json=True)
    assert [json.loads(line) for line in to.read_text().splitlines()] == CONTACTS
