"""The judgement about one phone: pure. It goes through what was sent and what came back, in the order of time.

The decisions are those of the services: `services.optout.decide` says what a reply means and whom it stops, and
`forbidding_scopes` whether a message would have been sent. So what Stopline would have stopped is what is found.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any, Literal, NamedTuple
from uuid import UUID

from harness.audit.history import MICROSECONDS, OptInRow, PhoneRows, ReplyRow, SentRow, moment
from services.optout.attribution import MAX_CONSIDERED, Attribution, attribute
from services.optout.decide import Held, OptIn, OptOut, decide
from services.optout.policies import ReachPolicies
from services.optout.recipient import Recipient, SentMessage, Suppression
from services.optout.recipient_after import apply
from services.optout.rules import RuleMatch, RuleSet
from shared.events.inbound import MessageReceived, OptInRequested
from shared.instructions.cut import instruction_of
from shared.scopes import forbidding_scopes

_ACCOUNT, _GATEWAY = "audit", "history"
_MATCHES_KEPT = 16_384
_NO_LIST = 0
_AnyRow = SentRow | ReplyRow | OptInRow
_ORDER_IN_A_SECOND = {OptInRow: 0, SentRow: 1, ReplyRow: 2}
FindingKind = Literal["opted_out", "held", "not_delivered"]


class RememberedRules(RuleSet):
    """An account's rules that remember what they said: most replies are one of a few words."""

    @lru_cache(maxsize=_MATCHES_KEPT)  # noqa: B019 (there is one set for the whole run)
    def match(self, body: str, *, sender_number: str | None = None, answered_text: str | None = None) -> RuleMatch:
        return super().match(body, sender_number=sender_number, answered_text=answered_text)


class StoppingReply(NamedTuple):
    """A reply that stops messages: what it matched, what it answers, and the scopes that it closed."""

    reply: ReplyRow
    match: RuleMatch
    attribution: Attribution
    scopes: tuple[str, ...]


class AuditFinding(NamedTuple):
    """A message that would not have been sent, and the reply that would have stopped it."""

    kind: FindingKind
    message: SentRow
    scope: str
    stopped_by: StoppingReply


@dataclass
class JudgedCounts:
    """The numbers of what was judged."""

    opt_outs: int = 0
    held: int = 0
    opt_ins: int = 0
    repeated_rows: int = 0
    answers: int = 0


@dataclass(frozen=True)
class Criteria:
    """The rules, policies and lists by which a history is judged; the same for all phones.

    Args:
        rules: of the account.
        policies: how far an opt-out reaches.
        window: how long before a reply a message may have been sent that it answers.
        list_ids: the id of each list, by its name.
        lists_of_senders: when each list was first sent from a number.
        first_sent: when the first message went to a phone that may have written what others may have written.
    """

    rules: RuleSet
    policies: ReachPolicies
    window: timedelta
    list_ids: Mapping[str, int]
    lists_of_senders: Mapping[str, Sequence[tuple[int, int]]]
    first_sent: Mapping[str, int | None]

    def scopes_against(self, message: SentRow) -> tuple[str, ...]:
        """Return the scopes that forbid a message; one without a list is forbidden by those of its number."""
        list_id = self.list_ids.get(message.list_name, _NO_LIST)
        if list_id != _NO_LIST:
            return forbidding_scopes(list_id, message.sender)
        also = tuple(each for each, first in self.lists_of_senders.get(message.sender, ()) if first <= message.at)
        return forbidding_scopes(list_id, message.sender, also)


@dataclass
class _Phone:
    """The knowledge about one phone at a moment of its history."""

    suppressions: Mapping[str, Suppression] = field(default_factory=dict)
    sent: dict[str, list[SentRow]] = field(default_factory=lambda: defaultdict(list))
    by_id: dict[str, SentRow] = field(default_factory=dict)
    stopping: dict[UUID, StoppingReply] = field(default_factory=dict)


def judge(of_phone: PhoneRows, criteria: Criteria, counts: JudgedCounts) -> Iterator[AuditFinding]:
    """Yield each message of one phone that would have been stopped.

    A reply counts for what was sent later, and not in the same moment: which of the two was first is not known then.
    """
    phone = _Phone()
    rows: list[_AnyRow] = [*of_phone.opt_ins, *of_phone.sent, *of_phone.replies]
    # Within a second, a message is after consent and before a reply: clocks of gateways do not say which was first.
    rows.sort(key=lambda row: (row.at // MICROSECONDS, _ORDER_IN_A_SECOND[type(row)], row.at, row.source, row.row))
    for number, row in enumerate(_once(rows, counts)):
        if isinstance(row, SentRow):
            finding = _forbidden(row, phone, criteria)
            if finding is not None:
                yield finding
            phone.sent[row.sender].append(row)
            if row.id:
                phone.by_id[row.id] = row
        elif isinstance(row, OptInRow):
            _consent(row, number, phone, criteria)
        else:
            _hear(row, number, phone, criteria, counts)


def _once(rows: Iterable[_AnyRow], counts: JudgedCounts) -> Iterator[_AnyRow]:
    """Yield each row once: exports overlap, and the same id, time and text is the same message."""
    seen: set[tuple[bool, str, int, str]] = set()
    for row in rows:
        if not isinstance(row, OptInRow) and row.id:
            key = isinstance(row, SentRow), row.id, row.at, row.text
            if key in seen:
                counts.repeated_rows += 1
                continue
            seen.add(key)
        yield row


def _forbidden(message: SentRow, phone: _Phone, criteria: Criteria) -> AuditFinding | None:
    if not phone.suppressions:
        return None
    found = [
        phone.suppressions[scope]
        for scope in criteria.scopes_against(message)
        if scope in phone.suppressions and phone.suppressions[scope].state != "opted_in"
    ]
    if not found:
        return None
    certain = next((each for each in found if each.state == "opted_out"), found[0])
    kind: FindingKind = "held" if certain.state == "held" else "opted_out"
    assert certain.cause_event_id is not None  # noqa: S101 (replies alone cause them here)
    stopped_by = phone.stopping[certain.cause_event_id]
    return AuditFinding("not_delivered" if message.has_failed else kind, message, certain.scope, stopped_by)


def _consent(row: OptInRow, number: int, phone: _Phone, criteria: Criteria) -> None:
    if not phone.suppressions:
        return
    values: dict[str, Any] = {
        "event_id": UUID(int=number + 1),
        "occurred_at": moment(row.at),
        "account_id": _ACCOUNT,
        "phone": row.phone,
        "scopes": tuple(phone.suppressions),
        "source": "web_form",
        "consented_at": moment(row.at),
        "lifts": None,
    }
    event = OptInRequested.model_construct(**values)
    recipient = Recipient(phone.suppressions)
    decision = decide(event, recipient, criteria.rules, criteria.policies)
    phone.suppressions = apply(decision, event, recipient).suppressions


def _hear(row: ReplyRow, number: int, phone: _Phone, criteria: Criteria, counts: JudgedCounts) -> None:
    may_be = _certainty(row, criteria.first_sent)
    if may_be == "another":
        return
    event = _event(row, number, phone)
    recipient = _recipient(event, row, phone, criteria)
    decision = decide(event, recipient, criteria.rules, criteria.policies)
    match decision:
        case OptOut() | Held():
            counts.opt_outs += isinstance(decision, OptOut)
            counts.held += isinstance(decision, Held)
            raised = (*decision.raised, *decision.asked_again) if isinstance(decision, OptOut) else decision.asked_again
            scopes = (*decision.changed, *raised)
            phone.stopping[event.event_id] = StoppingReply(row, decision.match, decision.attribution, scopes)
        case OptIn() if may_be == "possible":
            return  # somebody else may have written it
        case OptIn():
            counts.opt_ins += 1
        case _:
            counts.answers += 1
            return
    phone.suppressions = apply(decision, event, recipient).suppressions


def _certainty(row: ReplyRow, first_sent: Mapping[str, int | None]) -> Literal["certain", "possible", "another"]:
    """Say whether this phone wrote it: of several that may have, it is the one that we had sent to."""
    if not row.readings:
        return "certain"
    had = {each for each in row.readings if (first := first_sent.get(each)) is not None and first <= row.at}
    mine, others = row.phone in had, bool(had - {row.phone})
    if mine == others:
        return "possible"
    return "certain" if mine else "another"


def _event(row: ReplyRow, number: int, phone: _Phone) -> MessageReceived:
    at = moment(row.at)
    is_number_known = row.to and "" not in phone.sent  # of our messages, too
    values: dict[str, Any] = {
        "event_id": UUID(int=number + 1),
        "occurred_at": at,
        "account_id": _ACCOUNT,
        "gateway": _GATEWAY,
        "phone": row.phone,
        "sender_number": row.to if is_number_known else None,
        "body": row.text,
        "sent_at": at,
        "replied_message_id": row.replied_to or None,
    }
    return MessageReceived.model_construct(**values)


def _recipient(event: MessageReceived, row: ReplyRow, phone: _Phone, criteria: Criteria) -> Recipient:
    """Return the recipient with the messages that the reply may answer, and the ways out that these offered."""
    starts_at = event.occurred_at - criteria.window
    pointed = phone.by_id.get(row.replied_to) if row.replied_to else None
    considered = _newest(phone, row, criteria.window)
    if pointed is not None and pointed not in considered:
        considered.append(pointed)
    bare = [_message(each, criteria, None) for each in considered]
    recipient = Recipient(phone.suppressions, bare, starts_at)
    answered = attribute(event, recipient)
    return Recipient(phone.suppressions, _with_ways_out(bare, considered, answered), starts_at)


def _newest(phone: _Phone, row: ReplyRow, window: timedelta) -> list[SentRow]:
    """Return the messages within the window from the number that was written to, newest first."""
    starts = row.at - int(window.total_seconds()) * MICROSECONDS
    lists = list(phone.sent.values())
    if row.to and "" not in phone.sent:
        lists = [phone.sent[row.to]] if row.to in phone.sent else []
    found = [
        message
        for of_number in lists
        for message in of_number[max(bisect_left(of_number, starts, key=lambda each: each.at), len(of_number) - 1000) :]
        if not message.has_failed
    ]
    found.sort(key=lambda message: (message.at, message.id), reverse=True)
    return found[:MAX_CONSIDERED]


def _message(row: SentRow, criteria: Criteria, instruction: str | None) -> SentMessage:
    id_ = row.id or f"{row.source}-{row.row}"
    outcome: Literal["failed", "sent"] = "failed" if row.has_failed else "sent"
    list_id = criteria.list_ids.get(row.list_name, _NO_LIST)
    return SentMessage(id_, list_id, row.sender, None, outcome, moment(row.at), instruction)


def _with_ways_out(bare: Sequence[SentMessage], rows: Sequence[SentRow], answered: Attribution) -> list[SentMessage]:
    """Return the messages, with what those offered that may be answered: nobody asks for that of the others."""
    return [
        replace(message, instruction=instruction_of(row.text))
        if row.text and (message.message_id == answered.message_id or message.list_id in answered.list_ids)
        else message
        for message, row in zip(bare, rows, strict=True)
    ]
