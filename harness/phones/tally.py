"""The count of what was accepted, decided, asked for and sent: whether anything is lost, or went out too much. Pure."""

import math
from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass
from typing import Any

from harness.phones.limits import MAX_KNOWN_MESSAGES, MAX_UNDECIDED_PER_PARTITION
from harness.phones.observed import Observed, microseconds
from harness.phones.places import Places
from shared.events.delivery import MessageDispatching
from shared.events.inbound import MessageReceived
from shared.events.suppression import SuppressionChanged
from shared.scopes import forbidding_scopes

_AFTER_A_WHILE_US = 1_000_000
_CHANGES_OF_A_SCOPE = 20


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of a suppression, and the event that caused it."""

    state: str
    changed_us: int
    cause: str


class Tally:
    """The counts since this page started, of one account."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._undecided: dict[int, deque[int]] = defaultdict(lambda: deque(maxlen=MAX_UNDECIDED_PER_PARTITION))
        self._unsettled: OrderedDict[str, None] = OrderedDict()
        self._gateway_ids: OrderedDict[str, str] = OrderedDict()
        self._answered: OrderedDict[str, int] = OrderedDict()
        self._changes: OrderedDict[tuple[str, str], deque[_Change]] = OrderedDict()
        self._dispatched: deque[MessageDispatching] = deque()
        self._forgotten_after_a_stop = 0
        self.replies = self.requested = self.arrived = self.dropped = self.after_a_stop = 0

    def take_reply(self, seen: Observed, event: MessageReceived) -> None:
        if str(event.event_id) in self._gateway_ids:
            return  # the gateway's list has it, too
        self.replies += 1
        self._undecided[seen.partition].append(seen.offset)
        _remember(self._gateway_ids, str(event.event_id), event.gateway_message_id or "")

    def take_answer(self, gateway_message_id: str, answered_us: int) -> None:
        """Note when the webhook of a reply was answered with 2xx: Kafka has acknowledged it by then."""
        _remember(self._answered, gateway_message_id, answered_us)

    def take_request(self, message_id: str) -> None:
        if message_id not in self._unsettled:
            self.requested += 1
            _remember(self._unsettled, message_id, None)

    def take_outcome(self, message_id: str, kind: str) -> None:
        self._unsettled.pop(message_id, None)
        self.dropped += kind == "message_suppressed"

    def take_arrival(self) -> None:
        self.arrived += 1

    def take_suppression(self, event: SuppressionChanged) -> None:
        change = _Change(event.state, microseconds(event.changed_at), str(event.cause_event_id))
        of_scope = self._changes.pop((event.phone, event.scope), None) or deque(maxlen=_CHANGES_OF_A_SCOPE)
        of_scope.append(change)
        _remember(self._changes, (event.phone, event.scope), of_scope)

    def take_dispatch(self, event: MessageDispatching) -> None:
        self._dispatched.append(event)
        if len(self._dispatched) > MAX_KNOWN_MESSAGES:
            self._forgotten_after_a_stop += self._is_after_a_stop(self._dispatched.popleft())

    @property
    def undecided(self) -> int:
        """The replies that Kafka has and no watermark has passed."""
        for partition, offsets in self._undecided.items():
            while offsets and self._places.has_passed(partition, offsets[0]):
                offsets.popleft()
        return sum(map(len, self._undecided.values()))

    @property
    def waiting(self) -> int:
        """The messages that were asked for and have no outcome."""
        return len(self._unsettled)

    def check(self, now_us: int) -> None:
        """Count the messages that went out on a decision that began after a STOP was in Kafka: there must be none.

        One that was counted stays so, however many messages follow it.
        """
        old_enough = (each for each in self._dispatched if now_us - microseconds(each.occurred_at) > _AFTER_A_WHILE_US)
        self.after_a_stop = self._forgotten_after_a_stop + sum(map(self._is_after_a_stop, old_enough))

    def _is_after_a_stop(self, sent: MessageDispatching) -> bool:
        began_us, sent_us = microseconds(sent.decision_started_at), microseconds(sent.occurred_at)
        scopes = forbidding_scopes(sent.list_id, sent.sender_number)
        return sent.confirms_opt_out is None and any(
            self._forbade(self._changes[sent.phone, scope], began_us, sent_us)
            for scope in scopes
            if (sent.phone, scope) in self._changes
        )

    def _forbade(self, changes: deque[_Change], began_us: int, sent_us: int) -> bool:
        """Return whether a STOP was in Kafka before the decision began, and no opt-in was decided until it was sent."""
        heard = [change for change in changes if self._answered_us(change) < began_us]
        if not heard or heard[-1].state == "opted_in":
            return False
        return not any(
            change.state == "opted_in" and heard[-1].changed_us <= change.changed_us <= sent_us for change in changes
        )

    def _answered_us(self, change: _Change) -> float:
        return self._answered.get(self._gateway_ids.get(change.cause, ""), math.inf)

    def as_json(self) -> dict[str, Any]:
        return {
            "replies": self.replies,
            "undecided": self.undecided,
            "requested": self.requested,
            "waiting": self.waiting,
            "arrived": self.arrived,
            "dropped": self.dropped,
            "after_a_stop": self.after_a_stop,
        }


def _remember(known: "OrderedDict[Any, Any]", key: Any, value: Any) -> None:
    known[key] = value
    if len(known) > MAX_KNOWN_MESSAGES:
        known.popitem(last=False)
