"""An audit from its sources to its report: read, spilled to disk by phone, judged, written."""

import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from harness.audit.columns import Columns
from harness.audit.history import OptInRow, PhoneRows, ReplyRow, SentRow
from harness.audit.judge import AuditFinding, Criteria, judge
from harness.audit.read_rows import Reading, RowReader
from harness.audit.spill import PARTS, Spill, no_room
from harness.audit.summary import AuditSummary
from services.optout.policies import ReachPolicies
from services.optout.rules import RuleSet

_Row = TypeVar("_Row", SentRow, ReplyRow, OptInRow)


@dataclass(frozen=True)
class AuditRules:
    """The rules and policies to judge by, and how long before a reply the message was sent that it answers."""

    rules: RuleSet
    policies: ReachPolicies
    window: timedelta


class Audit:
    """An audit that is being made: first its sources are read, then it is judged."""

    def __init__(self, folder: Path, reading: Reading, rules: AuditRules) -> None:
        self._spill = Spill(folder)
        self._reading = reading
        self._rules = rules
        self.summary = AuditSummary(sources=[])
        self._names: list[str] = []

    def reader(self, name: str, columns: Columns) -> RowReader:
        """Return the reader of one more source."""
        self._names.append(name.encode(errors="backslashreplace").decode())  # a file's name may be any bytes
        self.summary.sources = self._names
        return RowReader(columns, len(self._names) - 1, self._reading, self._spill, self.summary.bad)

    def judge(self, on_part: Callable[[float], None]) -> Iterator[AuditFinding]:
        """Yield the findings, phone by phone; the summary is complete afterwards.

        Args:
            on_part: is called with how much of it is done, from 0 to 1.
        """
        spill, summary = self._spill, self.summary
        spill.flush()
        spill.find_first_sent()
        summary.sent, summary.replies = spill.sent, spill.replies
        summary.opt_ins = spill.opt_ins
        summary.sent_span, summary.reply_span = spill.sent_span, spill.reply_span
        criteria = self._criteria()
        for done, rows in enumerate(spill.parts(), 1):
            for each in _by_phone(rows):
                yield from self._findings_of(each, criteria)
            on_part(done / PARTS)

    def _findings_of(self, rows: PhoneRows, criteria: Criteria) -> Iterator[AuditFinding]:
        found: Counter[str] = Counter()
        last = None
        for finding in judge(rows, criteria, self.summary.judged):
            self.summary.add(finding)
            found[finding.kind] += 1
            last = finding if finding.kind == "opted_out" or last is None else last
            yield finding
        if last is not None:
            self.summary.end_of_phone(found, last)

    def _criteria(self) -> Criteria:
        spill = self._spill
        names = dict.fromkeys(name for _, name in spill.lists_of_senders)
        list_ids = {name: number for number, name in enumerate(names, 1)}
        of_senders: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for (sender, name), first in spill.lists_of_senders.items():
            of_senders[sender].append((list_ids[name], first))
        rules = self._rules
        return Criteria(rules.rules, rules.policies, rules.window, list_ids, of_senders, spill.ambiguous)


def _by_phone(rows: PhoneRows) -> Iterator[PhoneRows]:
    sent, opt_ins = _grouped(rows.sent), _grouped(rows.opt_ins)
    for phone, replies in _grouped(rows.replies).items():
        yield PhoneRows(sent.get(phone, []), replies, opt_ins.get(phone, []))


def _grouped(rows: Iterable[_Row]) -> dict[str, list[_Row]]:
    return {phone: list(of_phone) for phone, of_phone in groupby(sorted(rows), key=lambda row: row.phone)}


@contextmanager
def auditing(reading: Reading, rules: AuditRules) -> Iterator[Audit]:
    """Lend an audit; its folder, which has texts and phones, is removed at the end, also by Ctrl-C."""
    try:
        held = tempfile.TemporaryDirectory(prefix="stopline-audit-")
    except OSError as error:
        raise no_room(Path(os.environ.get("TMPDIR", "/tmp")), error) from None  # noqa: S108 (for the message alone)
    with held as folder:
        yield Audit(Path(folder), reading, rules)
