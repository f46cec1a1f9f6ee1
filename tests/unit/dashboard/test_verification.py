"""Verifying entries by SHA-256 alone: each change, each missing one, is said at the entry that shows it."""

import hashlib
import json
from typing import Any

from services.dashboard.verification import checked_entries


def chain(*bodies: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    previous = b""
    for sequence, body in enumerate(bodies, start=1):
        said = {"body_sha256": hashlib.sha256(body.encode()).hexdigest(), "previous_sequence": sequence - 1}
        text = json.dumps(said)
        digest = hashlib.sha256(text.encode()).digest()
        hashed = hashlib.sha256(previous + digest).digest()
        link = {"previous_hash": previous.hex(), "hash": hashed.hex(), "digest": digest.hex(), "erased": False}
        place = {"partition": 2, "sequence": sequence, "previous_sequence": sequence - 1}
        entries.append({"entry": text, "body": body, **place, **link})
        previous = hashed
    return entries


def problems(entries: list[dict[str, Any]]) -> dict[int, tuple[str, ...]]:
    return {each.sequence: tuple(each.problems) for each in checked_entries(entries) if each.problems}


def test_entries_as_they_were_written_have_no_problem() -> None:
    assert problems(chain("stop", "start", "stop")) == {}
    assert len(checked_entries(chain("stop", "start", "stop"))) == 3


def test_a_changed_text_a_changed_entry_and_a_missing_one_are_each_found() -> None:
    changed = chain("stop", "start")
    changed[0]["body"] = "hello"
    assert list(problems(changed)) == [1]
    forged = chain("stop", "start")
    forged[1]["entry"] = forged[1]["entry"].replace("}", ', "answer": "none"}')
    assert list(problems(forged)) == [2]
    missing = chain("stop", "start", "stop")
    del missing[1]
    assert list(problems(missing)) == [3]


def test_an_entry_of_before_version_2_of_the_chain_is_hashed_directly() -> None:
    (entry,) = chain("stop")
    entry["hash"] = hashlib.sha256(entry["entry"].encode()).hexdigest()
    assert problems([entry]) == {}


def test_an_erased_entry_is_checked_by_its_digest() -> None:
    (entry,) = chain("stop")
    entry |= {"erased": True, "body": "", "entry": '{"body_sha256": ""}'}
    assert problems([entry]) == {}
    assert problems([entry | {"digest": "00" * 32}]) != {}
