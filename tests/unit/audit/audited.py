"""What the tests of the audit share: the command from outside, and what it has written."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harness.cli.main import main

SENT = ("to", "sent_at", "from", "list", "message_id", "text", "status")
REPLIES = ("from", "received_at", "to", "text", "id", "replied_to")
OURS = "+18335550100"
TEXT = "Sale today. Reply STOP to opt out"


class Audited(NamedTuple):
    """The exit code, and the three files of the report."""

    code: int
    findings: list[dict[str, str]]
    summary: dict[str, Any]
    page: str

    def ids(self, kind: str = "opted_out") -> list[str]:
        return [each["message_id"] for each in self.findings if each["kind"] == kind]


def write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]], encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def audit(folder: Path, *words: str) -> Audited:
    out = folder / "report"
    code = main(["audit", *words, "--out", str(out)])
    findings, summary, page = out / "findings.csv", out / "audit.json", out / "audit.html"
    if not findings.exists():
        return Audited(code, [], {}, "")
    with findings.open(encoding="utf-8-sig", newline="") as file:
        return Audited(code, list(csv.DictReader(file)), json.loads(summary.read_text()), page.read_text())


def audit_rows(folder: Path, sent: Iterable[Sequence[str]], replies: Iterable[Sequence[str]], *options: str) -> Audited:
    files = write(folder / "sent.csv", SENT, sent), write(folder / "replies.csv", REPLIES, replies)
    return audit(folder, "--sent", str(files[0]), "--replies", str(files[1]), *options)
