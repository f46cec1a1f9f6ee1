"""Verifying the entries about a number, with SHA-256 alone: what the API shows is computed again here. Pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class CheckedEntry:
    """An entry that was checked, with what is wrong with it; nothing: it is as it was written."""

    partition: int
    sequence: int
    is_erased: bool
    problems: Sequence[str] = field(default=())


def checked_entries(entries: Sequence[Mapping[str, Any]]) -> list[CheckedEntry]:
    """Check each entry: its hash follows from its text and the entry before, and none about the number is missing."""
    last: dict[int, int] = {}
    checked = []
    for entry in entries:
        before = last.get(entry["partition"])
        checked.append(_checked(entry, before))
        last[entry["partition"]] = entry["sequence"]
    return checked


def _checked(entry: Mapping[str, Any], before: int | None) -> CheckedEntry:
    problems = [*_hash_problems(entry), *_missing(entry, before)]
    return CheckedEntry(entry["partition"], entry["sequence"], entry["erased"], tuple(problems))


def _hash_problems(entry: Mapping[str, Any]) -> list[str]:
    previous, text = bytes.fromhex(entry["previous_hash"]), entry["entry"].encode()
    digest = bytes.fromhex(entry["digest"]) if entry["erased"] else hashlib.sha256(text).digest()
    of_old = hashlib.sha256(previous + text).hexdigest()  # entries of before version 2 of the chain
    problems = []
    if entry["hash"] not in {hashlib.sha256(previous + digest).hexdigest(), of_old}:
        problems.append("its hash does not follow from its text and the entry before")
    said = json.loads(entry["entry"])["body_sha256"]
    if not entry["erased"] and hashlib.sha256(entry["body"].encode()).hexdigest() != said:
        problems.append("the text of the message is not the one that was recorded")
    return problems


def _missing(entry: Mapping[str, Any], before: int | None) -> list[str]:
    named = entry["previous_sequence"]
    if named is None or before is None or named == before or entry["erased"]:
        return []
    return [f"it names entry {named} as the one before it about this number, and that is missing"]
