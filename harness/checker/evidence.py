"""The evidence that the checks read: a history, and what several of them derive from it."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from harness.checker.attribution import AccountPhone
from harness.checker.history import CarrierCall, History, ReplyRecord, RequestRecord
from harness.checker.identity import replies_by_id
from harness.checker.timeline import JudgedReply, Timeline, timelines
from shared.events.delivery import DeliveryReceiptReceived, MessageDispatching, MessageWaiting, RecipientErased
from shared.events.opt_out import AnyOptOutEvent

TrailKey = tuple[str, str]
"""Account and message id."""


class Breach(NamedTuple):
    """A breach of a check's guarantee; `subject` is the message, reply or scope concerned."""

    subject: str
    detail: str


@dataclass
class MessageTrail:
    """The trail of one message: its requests, its delivery events and its carrier calls.

    `announced_at` are the timestamps of its `message_dispatching` events, `decided_at` when they say that the decision
    started; `outcomes` are the types of its other events.
    """

    requests: list[RequestRecord] = field(default_factory=list)
    announced_at: list[datetime] = field(default_factory=list)
    decided_at: list[datetime] = field(default_factory=list)
    outcomes: set[str] = field(default_factory=set)
    event_ids: dict[str, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    calls: list[CarrierCall] = field(default_factory=list)


class Evidence:
    """The evidence of one history."""

    def __init__(self, history: History) -> None:
        self.history = history

    @cached_property
    def timelines(self) -> dict[AccountPhone, Timeline]:
        return timelines(self.history)

    @cached_property
    def replies_by_id(self) -> dict[UUID, ReplyRecord]:
        return replies_by_id(self.history)

    @cached_property
    def changes(self) -> dict[UUID, list[AnyOptOutEvent]]:
        """The opt-outs and opt-ins that each reply caused, by the reply's id."""
        found: defaultdict[UUID, list[AnyOptOutEvent]] = defaultdict(list)
        for record in self.history.changes:
            found[record.event.cause_event_id].append(record.event)
        return found

    @cached_property
    def trails(self) -> dict[TrailKey, MessageTrail]:
        found: defaultdict[TrailKey, MessageTrail] = defaultdict(MessageTrail)
        for requested in self.history.requests:
            found[requested.request.account_id, requested.request.message_id].requests.append(requested)
        for record in self.history.deliveries:
            event = record.event
            if (
                isinstance(event, DeliveryReceiptReceived | RecipientErased | MessageWaiting)
                or event.account_id is None
            ):
                continue
            trail = found[event.account_id, event.message_id]
            trail.event_ids[event.type].add(event.event_id)
            if isinstance(event, MessageDispatching):
                trail.announced_at.append(record.created_at)
                trail.decided_at.append(event.decision_started_at)
            else:
                trail.outcomes.add(event.type)
        for call in self.history.calls:
            found[call.account_id, call.message_id].calls.append(call)
        return found

    @property
    def replies(self) -> Iterator[JudgedReply]:
        """Every reply, with what it must have changed."""
        return (reply for timeline in self.timelines.values() for reply in timeline.replies)

    def trail_of(self, call: CarrierCall) -> MessageTrail:
        return self.trails[call.account_id, call.message_id]


Check = Callable[[Evidence], Iterator[Breach]]
"""A check yields a breach for each violation of its guarantee. Its name is the violation's `rule`."""
