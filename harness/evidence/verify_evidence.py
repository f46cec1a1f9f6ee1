"""Verifies evidence of Stopline's record against anchors kept outside its database, with the standard library alone.

    python verify_evidence.py EXPORT ANCHORS [--selection]
EXPORT: the lines of `stopline evidence export`; with --selection those of one person or account, also from
GET /v1/evidence/export. ANCHORS: the lines of `stopline evidence anchor`. Prints differences; exit 1 if there are any.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any


class Chain:
    """One partition's chain, read in its order; `loose` are entries that no anchor covers yet, `erased` whose."""

    def __init__(self, partition: int, *, selection: bool = False) -> None:
        self.partition, self.selection = partition, selection
        self.newest, self.sequence, self.hash, self.count = 0, 0, b"", 0
        self.anchored, self.loose = dict[int, bytes](), list[int]()
        self.last, self.erased, self.may_be_erased = dict[tuple[str, str], int](), dict[int, str](), Counter[str]()

    def anchor(self, line: dict[str, Any]) -> Iterator[str]:
        """Take an anchor: of several for one entry, the first that was published counts."""
        sequence, hashed = line["sequence"], bytes.fromhex(line["head_hash"])
        self.newest = max(self.newest, sequence)
        if self.anchored.setdefault(sequence, hashed) != hashed:
            yield self._at(sequence, "it was anchored again with another hash")

    def add(self, line: dict[str, Any]) -> Iterator[str]:
        """Take the next entry, or the digest of one that the reader may not see; yield what is wrong with it."""
        sequence, hashed, previous = line["sequence"], bytes.fromhex(line["hash"]), self.hash
        if sequence != self.sequence + 1:
            previous = bytes.fromhex(line["previous_hash"])
            if not self.selection:
                yield self._at(self.sequence + 1, f"it is missing: entry {sequence} is in its place")
            yield from self._uncovered()
        text = line["entry"].encode() if "entry" in line else b""
        digest = sha256(text).digest() if text else bytes.fromhex(line["digest"])
        self.erased |= {sequence: line["phone"]} if line.get("erased") else {}
        if hashed not in [sha256(previous + each).digest() for each in (digest, text or digest)]:  # of old ones: text
            yield self._at(sequence, "its hash does not follow from its text and the entry before")
        elif text:
            yield from (self._at(sequence, difference) for difference in self._differences(line))
        if self.anchored.get(sequence, hashed) != hashed:
            yield self._at(sequence, "its hash is not the one that was anchored: the chain was recomputed")
        self.loose += [sequence] if text else []
        self.loose = [] if sequence in self.anchored else self.loose
        self.sequence, self.hash, self.count = sequence, hashed, self.count + (bool(text) or sequence in self.erased)

    def end(self) -> Iterator[str]:
        """Yield what is missing at the end."""
        if self.newest > self.sequence and not self.selection:
            yield self._at(self.sequence + 1, f"it is missing: entry {self.newest} was anchored")
        yield from self._uncovered()
        for who, count in (Counter(self.erased.values()) - self.may_be_erased).items():
            yield self._at(self.sequence, f"until here {count} more of {who} are erased than the chain says")

    def _differences(self, line: dict[str, Any]) -> Iterator[str]:
        entry = json.loads(line["entry"])
        self.may_be_erased[entry["phone"]] += (entry.get("request") or {}).get("erased_entries") or 0
        if entry["body_sha256"] != sha256(line["body"].encode()).hexdigest():
            yield "the message is not the one whose SHA-256 the entry has"
        if wrong := [name for name in ("event_id", "account_id", "phone") if entry[name] != line[name]]:
            yield f"its {' and '.join(wrong)} differ from its text"
        recipient, before = (entry["account_id"], entry["phone"]), entry.get("previous_sequence")
        if self.selection and before not in self.erased and before not in (None, self.last.get(recipient, 0)):
            yield f"entry {before}, about the same person, is missing"
        self.last.update({recipient: line["sequence"]} if self.selection else {})

    def _uncovered(self) -> Iterator[str]:
        uncovered, self.loose = [each for each in self.loose if each <= self.newest], []
        yield from (self._at(each, "no anchor covers it, but later entries") for each in uncovered)

    def _at(self, sequence: int, difference: str) -> str:
        return f"partition {self.partition}, entry {sequence}: {difference}"


def main(export: str, anchors: str, *options: str) -> int:
    """Print the differences of the files, and return the exit code."""
    chains: dict[int, Chain] = {}
    problems: list[str] = []
    for path, take in ((anchors, Chain.anchor), (export, Chain.add)):
        with Path(path).open(encoding="utf-8") as lines:
            for line in map(json.loads, lines):
                of = line["partition"]
                problems += take(chains.setdefault(of, Chain(of, selection="--selection" in options)), line)
    loose = sum(len(chain.loose) for chain in chains.values())
    problems += [problem for chain in chains.values() for problem in chain.end()]
    count, erased = sum(each.count for each in chains.values()), sum(len(each.erased) for each in chains.values())
    print(*problems[:100], f"{count} entries ({erased} erased, {loose} not anchored yet) verified", sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
