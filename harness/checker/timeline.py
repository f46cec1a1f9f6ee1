"""Each recipient's replies in the order of the log, and which scopes were forbidden after each of them."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from harness.checker.acknowledged import acknowledged_by
from harness.checker.attribution import AccountPhone, PossibleScopes, announced_messages, possible_scopes
from harness.checker.history import ChangeRecord, History, ReplyRecord, SuppressionRecord
from harness.checker.identity import replies_by_id
from harness.checker.preferences import (
    ForbiddenScopes,
    Wish,
    after_start,
    after_stop,
    is_list,
    scopes_of_start,
    wish_of,
)
from harness.checker.reach import added_scopes, possible_reaches
from shared.events.inbound import MessageReceived
from shared.scopes import ACCOUNT


@dataclass
class ReportedScopes:
    """The scopes that the opt-out service reported for a reply, and when it first did."""

    scopes: set[str] = field(default_factory=set)
    first_at: datetime | None = None


_NOTHING_REPORTED = ReportedScopes()


@dataclass(frozen=True)
class JudgedReply:
    """A reply with its effect: `possible` are the scopes that it may be about, `changes` those that it must change.

    `forbidden` is what is forbidden after it.
    """

    reply_id: UUID
    record: ReplyRecord
    acknowledged_by: datetime | None
    wish: Wish
    possible: frozenset[str]
    changes: frozenset[str]
    forbidden: ForbiddenScopes


class Timeline:
    """A recipient's replies; `forbidden[k]` is what was forbidden after the first `k` of them."""

    def __init__(self) -> None:
        self.replies: list[JudgedReply] = []
        self.forbidden: list[ForbiddenScopes] = [{}]

    def add(self, reply: JudgedReply) -> None:
        self.replies.append(reply)
        self.forbidden.append(reply.forbidden)

    @property
    def forbidden_at_the_end(self) -> ForbiddenScopes:
        return self.forbidden[-1]

    def possibly_forbidden(self, decided_at: datetime, called_at: datetime) -> list[ForbiddenScopes]:
        """Return every state that a decision can have seen which started at `decided_at`, for a call at `called_at`.

        It must have seen each reply acknowledged before it started; it can have seen those created before the call.
        """
        known = [r.acknowledged_by is not None and r.acknowledged_by <= decided_at for r in self.replies]
        could = [reply.record.created_at <= called_at for reply in self.replies]
        least, most = _last_true(known), _last_true(could)
        return self.forbidden[least : max(least, most) + 1]


def _last_true(flags: list[bool]) -> int:
    """Return the number of flags up to and including the last true one."""
    return max((place + 1 for place, flag in enumerate(flags) if flag), default=0)


def timelines(history: History) -> dict[AccountPhone, Timeline]:
    """Return the timeline of each recipient who replied."""
    bounds = acknowledged_by(history)
    reported = _reported(history)
    announced = announced_messages(history)
    found: defaultdict[AccountPhone, Timeline] = defaultdict(Timeline)
    for reply_id, record in replies_by_id(history).items():
        event = record.event
        recipient = (event.account_id, event.phone)
        report = reported.get(reply_id, _NOTHING_REPORTED)
        decided_by = report.first_at or history.read_at
        scopes = possible_scopes(event, record.created_at, decided_by, announced.get(recipient, []))
        before = found[recipient].forbidden_at_the_end
        reaches = possible_reaches(history.policies, event, decided_by)
        effect = _effect(event, before, scopes, report.scopes, reaches)
        found[recipient].add(JudgedReply(reply_id, record, bounds.get(reply_id), *effect))
    return found


def _effect(
    event: MessageReceived,
    before: ForbiddenScopes,
    scopes: PossibleScopes,
    reported: set[str],
    reaches: frozenset[str],
) -> tuple[Wish, frozenset[str], frozenset[str], ForbiddenScopes]:
    """Return a reply's wish, the scopes that it may be about, those that it must change, and what is forbidden then."""
    wish = wish_of(event.body)
    if wish is Wish.NONE:
        return wish, frozenset(), frozenset(), before
    if wish is Wish.START:
        allowed = scopes_of_start(before, event, scopes.pointed)
        return wish, allowed, allowed, after_start(before, allowed)
    possible, stopped = _reach_of_stop(wish, scopes, reported, reaches)
    changes = frozenset(scope for scope in stopped if scope not in before)
    return wish, possible, changes, after_stop(before, event, stopped)


def _reach_of_stop(
    wish: Wish, scopes: PossibleScopes, reported: set[str], reaches: frozenset[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """Return the scopes that a STOP may be about, and those that it stops."""
    possible = frozenset({ACCOUNT}) if wish is Wish.STOP_ALL else scopes.possible
    # Where several are possible, it is for the service to choose.
    stopped = possible & reported if len(possible) > 1 else possible
    if any(is_list(scope) for scope in stopped):
        wider = frozenset(scope for reach in reaches for scope in added_scopes(reach, scopes.sender_numbers))
        possible |= wider
        stopped |= wider if len(reaches) == 1 and len(wider) == 1 else wider & reported
    return possible, stopped


def _reported(history: History) -> dict[UUID, ReportedScopes]:
    """Return the scopes that the opt-out service reported for each reply: in the log, and in both of its topics."""
    found: defaultdict[UUID, ReportedScopes] = defaultdict(ReportedScopes)
    for entry in history.entries:
        found[entry.event_id].scopes.update(entry.opted_out)
    published: list[ChangeRecord | SuppressionRecord] = [*history.changes, *history.suppressions]
    for record in published:
        report = found[record.event.cause_event_id]
        report.scopes.add(record.event.scope)
        report.first_at = min(record.created_at, report.first_at or record.created_at)
    return found
