"""The result of an audit in numbers, and the findings that a page shows; bounded, however many there are."""

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from harness.audit.history import MICROSECONDS, TimeSpan, moment
from harness.audit.judge import AuditFinding, JudgedCounts
from harness.audit.read_rows import BadRows
from shared.phones import mask

SHOWN_FINDINGS = 500
SHOWN_PHONES = 100
_MOST_NAMES = 1_000
_OTHERS = "(others)"
_DELAYS = (("within a minute", 60), ("within an hour", 3_600), ("within a day", 86_400), ("within 10 days", 864_000))
_LATER = "later"
DELAYS = (*(name for name, _ in _DELAYS), _LATER)


@dataclass
class FoundCounts:
    """The findings of one kind, counted."""

    messages: int = 0
    phones: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    lists: Counter[str] = field(default_factory=Counter)
    senders: Counter[str] = field(default_factory=Counter)
    delays: Counter[str] = field(default_factory=Counter)
    months: Counter[str] = field(default_factory=Counter)

    def add(self, finding: AuditFinding) -> None:
        message, by = finding.message, finding.stopped_by
        self.messages += 1
        _count(self.rules, by.match.rule or by.match.matched_by)
        _count(self.lists, message.list_name)
        _count(self.senders, message.sender)
        self.delays[delay_name(seconds_after(finding))] += 1
        _count(self.months, f"{moment(message.at):%Y-%m}")

    def as_json(self) -> dict[str, Any]:
        return {
            "messages": self.messages,
            "phones": self.phones,
            "by_rule": dict(self.rules.most_common()),
            "by_list": dict(self.lists.most_common()),
            "by_sender_number": dict(self.senders.most_common()),
            "by_time_after_the_reply": {name: self.delays[name] for name in DELAYS},
            "by_month": dict(sorted(self.months.items())),
        }


def _count(counter: Counter[str], name: str) -> None:
    counter[name if name in counter or len(counter) < _MOST_NAMES else _OTHERS] += 1


def seconds_after(finding: AuditFinding) -> float:
    """Return how long after the reply the message was sent."""
    return (finding.message.at - finding.stopped_by.reply.at) / MICROSECONDS


def delay_name(seconds: float) -> str:
    return next((name for name, limit in _DELAYS if seconds <= limit), _LATER)


@dataclass
class AuditSummary:
    """The numbers of an audit, the newest findings, and the phones with most of them."""

    sources: Sequence[str] = ()
    sent: int = 0
    replies: int = 0
    opt_ins: int = 0
    sent_span: TimeSpan = field(default_factory=TimeSpan)
    reply_span: TimeSpan = field(default_factory=TimeSpan)
    judged: JudgedCounts = field(default_factory=JudgedCounts)
    bad: BadRows = field(default_factory=BadRows)
    opted_out: FoundCounts = field(default_factory=FoundCounts)
    held: FoundCounts = field(default_factory=FoundCounts)
    not_delivered: FoundCounts = field(default_factory=FoundCounts)
    _newest: list[tuple[int, int, AuditFinding]] = field(default_factory=list)
    _most: list[tuple[int, int, AuditFinding]] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)

    def counts_of(self, kind: str) -> FoundCounts:
        counts: FoundCounts = getattr(self, kind)
        return counts

    def add(self, finding: AuditFinding) -> None:
        self.counts_of(finding.kind).add(finding)
        if finding.kind != "not_delivered":
            _keep(self._newest, (finding.message.at, next(self._order), finding), SHOWN_FINDINGS)

    def end_of_phone(self, findings: Counter[str], last: AuditFinding) -> None:
        """Count the phone of these findings, of which `last` is the last."""
        for kind in findings:
            self.counts_of(kind).phones += 1
        messages = findings["opted_out"]
        if messages:
            _keep(self._most, (messages, next(self._order), last), SHOWN_PHONES)

    @property
    def missing(self) -> str:
        """The kind of rows of which none were read, so that nothing can be said; empty where both were."""
        return "" if self.sent and self.replies else "replies" if self.sent else "messages"

    @property
    def newest(self) -> list[AuditFinding]:
        return [finding for _, _, finding in sorted(self._newest, reverse=True)]

    @property
    def most(self) -> list[tuple[int, AuditFinding]]:
        """The phones with most messages after an opt-out, each with its last."""
        return [(messages, finding) for messages, _, finding in sorted(self._most, reverse=True)]

    def as_json(self) -> dict[str, Any]:
        return {
            "sources": list(self.sources),
            "messages": self.sent,
            "replies": self.replies,
            "opt_ins_given_elsewhere": self.opt_ins,
            "time_of_messages": self.sent_span.as_json(),
            "time_of_replies": self.reply_span.as_json(),
            "replies_that_opt_out": self.judged.opt_outs,
            "replies_held": self.judged.held,
            "replies_that_opt_in": self.judged.opt_ins,
            "repeated_rows": self.judged.repeated_rows,
            "should_have_been_stopped": self.opted_out.as_json(),
            "held_for_review": self.held.as_json(),
            "not_delivered": self.not_delivered.as_json(),
            "bad_rows": self.bad.count,
            "bad_rows_named": [
                {"source": self.sources[each.place.source], "row": each.place.row, "reason": each.reason}
                for each in self.bad.named
            ],
        }


def _keep(heap: list[tuple[int, int, AuditFinding]], item: tuple[int, int, AuditFinding], limit: int) -> None:
    """Add an item to a heap that keeps the largest ones."""
    if len(heap) < limit:
        heapq.heappush(heap, item)
    else:
        heapq.heappushpop(heap, item)


def shown_phone(phone: str, *, is_masked: bool) -> str:
    return mask(phone) if is_masked else phone
