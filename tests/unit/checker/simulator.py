"""A system that keeps its guarantees, in a few lines and with a clock of its own; the result is a history."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from checker.confirmed import CONFIRMATION, confirming_from, request_to_confirm
from harness.checker.history import (
    AcceptedReply,
    AccountSettingsRecord,
    CarrierCall,
    ChangeRecord,
    DeliveryRecord,
    History,
    LogEntry,
    Outage,
    PhoneMessage,
    Place,
    ReplyRecord,
    RequestRecord,
    SuppressedScope,
    SuppressionRecord,
)
from harness.checker.reach import AccountPolicies
from shared.events.base import derived_id
from shared.events.delivery import (
    MessageDispatching,
    MessageOutcomeUnknown,
    MessageSent,
    MessageSuppressed,
    delivery_event_id,
)
from shared.events.inbound import MessageReceived
from shared.events.opt_out import OptedIn, OptedOut
from shared.events.outbound import MessageRequested
from shared.events.suppression import SuppressionChanged

ACCOUNT = "acme"
NUMBERS = {1: "+18335550101", 2: "+18335550102", 3: "+18335550102"}
"""Lists 2 and 3 send from one number."""
START_OF_TIME = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def phone(index: int) -> str:
    return f"+1415555010{index}"


@dataclass
class Simulator:
    """Every step takes its time; what one step did is seen by all that follow."""

    now: datetime = START_OF_TIME
    accepted: list[AcceptedReply] = field(default_factory=list)
    replies: list[ReplyRecord] = field(default_factory=list)
    requests: list[RequestRecord] = field(default_factory=list)
    deliveries: list[DeliveryRecord] = field(default_factory=list)
    changes: list[ChangeRecord] = field(default_factory=list)
    suppressions: list[SuppressionRecord] = field(default_factory=list)
    entries: list[LogEntry] = field(default_factory=list)
    calls: list[CarrierCall] = field(default_factory=list)
    phone_messages: list[PhoneMessage] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    parked: list[Place] = field(default_factory=list)
    forbidden: dict[tuple[str, str], tuple[str, datetime]] = field(default_factory=dict)
    """(phone, scope) to the number that the STOP went to, and its time by the gateway's clock, which has seconds."""
    causes: dict[tuple[str, str], str] = field(default_factory=dict)
    """(phone, scope) to the scope that the STOP was about that stopped it."""
    account_settings: list[AccountSettingsRecord] = field(default_factory=list)
    touched: dict[SuppressedScope, str] = field(default_factory=dict)
    policies: AccountPolicies = field(default_factory=AccountPolicies)
    reach: str = "list"
    """How far a STOP reaches now: it is for the test that sets it to give `policies` that say the same."""

    def pass_time(self, milliseconds: int) -> None:
        self.now += timedelta(milliseconds=milliseconds)

    def send(self, person: int, list_id: int, *, crash: str = "", reply: str = "", throttled: int = 0) -> str:
        """Ask for a message and decide it; `crash` before or after the call; a `reply` may come while it is decided.

        The carrier answers that it takes nothing at this pace as often as `throttled` says.
        """
        number, to = NUMBERS[list_id], phone(person)
        message_id = f"m{len(self.requests)}"
        request = MessageRequested(
            account_id=ACCOUNT, message_id=message_id, list_id=list_id, phone=to, sender_number=number, body="Hi"
        )
        self.requests.append(RequestRecord(Place("outbound-messages", 0, len(self.requests)), request))
        self.pass_time(5)
        decided_at = self.now
        fields = {**request.model_dump(include=_COMMON), "occurred_at": decided_at}
        scopes = (f"list:{list_id}", "account", f"sender:{number}")
        scope = next((s for s in scopes if (to, s) in self.forbidden), None)
        if scope is not None:
            self._publish(MessageSuppressed, fields, scope=scope, state="opted_out", decision_started_at=decided_at)
            return message_id
        self._publish(MessageDispatching, fields, decision_started_at=decided_at)
        if reply:
            self.write(person, reply)
        self.pass_time(20)
        for _ in range(throttled):
            self.calls.append(CarrierCall(ACCOUNT, message_id, to, number, "Hi", self.now, 429))
            self.pass_time(10)
        if crash != "before call":
            self.calls.append(CarrierCall(ACCOUNT, message_id, to, number, "Hi", self.now, 200))
            self.phone_messages.append(PhoneMessage(ACCOUNT, message_id, to, self.now))
        if crash:
            self._publish(MessageOutcomeUnknown, fields)
        else:
            self._publish(MessageSent, fields, carrier_message_id=f"c-{message_id}")
        return message_id

    def confirms(self) -> None:
        """The account's opt-outs are confirmed from now on."""
        self.account_settings.append(confirming_from(self.now, ACCOUNT))

    def confirm_last(self) -> None:
        """Confirm the last reply, if it was a STOP that left one list, and nothing else forbade that before."""
        if not self.replies or not self.changes or not self.account_settings:
            return
        event, change = self.replies[-1].event, self.changes[-1].event
        if self._may_be_confirmed(event, change):
            self.confirm(event, change.cause_event_id, int(change.scope.removeprefix("list:")))

    def confirm(self, event: MessageReceived, cause: UUID, list_id: int) -> None:
        """Confirm an opt-out, whether it may be or not."""
        message_id = f"confirmation-{cause}"
        request = request_to_confirm(event, message_id, cause, list_id)
        number, fields = request.sender_number, {**request.model_dump(include=_COMMON), "occurred_at": self.now}
        self.requests.append(RequestRecord(Place("outbound-messages", 0, len(self.requests)), request))
        self.pass_time(5)
        self._publish(MessageDispatching, fields, decision_started_at=self.now)
        self.pass_time(20)
        self.calls.append(CarrierCall(ACCOUNT, message_id, event.phone, number, CONFIRMATION, self.now, 200))
        self.phone_messages.append(PhoneMessage(ACCOUNT, message_id, event.phone, self.now))
        self._publish(MessageSent, fields, carrier_message_id=f"c-{message_id}")

    def _may_be_confirmed(self, event: MessageReceived, change: OptedOut | OptedIn) -> bool:
        wider = {"account", f"sender:{event.sender_number}"}
        confirmed = [each.request for each in self.requests if each.request.confirms_opt_out is not None]
        return (
            isinstance(change, OptedOut)
            and change.scope.startswith("list:")
            and event.body.casefold().startswith("stop")
            and change.cause_event_id == self.entries[-1].event_id
            and not wider & {scope for who, scope in self.forbidden if who == event.phone}
            and not any((each.phone, each.sender_number) == (event.phone, event.sender_number) for each in confirmed)
        )

    def write(
        self,
        person: int,
        body: str,
        *,
        pointer: str | None = None,
        number: str | None = None,
        under_the_last_id: bool = False,
    ) -> None:
        """The person writes: to the number of the message pointed at, the one given, or the last one heard from."""
        sender, pointed = (
            phone(person),
            next((r.request for r in self.requests if r.request.message_id == pointer), None),
        )
        heard = [c for c in self.calls if c.phone == sender]
        to = pointed.sender_number if pointed else number or (heard[-1].sender_number if heard else NUMBERS[1])
        index = len(self.replies)
        id_index = index - 1 if under_the_last_id else index
        event = MessageReceived(
            event_id=derived_id(ACCOUNT, str(id_index)),
            occurred_at=self.now,
            account_id=ACCOUNT,
            gateway="clicksend",
            gateway_message_id=f"g{id_index}",
            phone=sender,
            sender_number=to,
            body=body,
            replied_message_id=pointer,
            sent_at=self.now.replace(microsecond=0),
        )
        self._append(event)
        came_as = event.event_id if under_the_last_id else None
        decided = event.model_copy(update={"event_id": derived_id(event.event_id, "another")}) if came_as else event
        place = self.replies[-1].partition, self.replies[-1].offset
        stopped = self._apply(decided, f"list:{pointed.list_id}" if pointed else None)
        self.entries.append(LogEntry(ACCOUNT, decided.event_id, sender, stopped, True, *place, came_as))

    def repeat_last(self) -> None:
        """The gateway posts its last webhook once more."""
        if self.replies:
            self.pass_time(3)
            self._append(self.replies[-1].event)

    def drop_last(self) -> None:
        """The last message that was sent was dropped instead, after it was announced."""
        sent = self.deliveries.pop().event
        self.calls.pop()
        self.phone_messages.pop()
        fields = {**sent.model_dump(include=_COMMON), "occurred_at": self.now}
        scope = f"list:{fields['list_id']}"
        self._publish(MessageSuppressed, fields, scope=scope, state="opted_out", decision_started_at=self.now)

    def fail(self, what: str, seconds: int) -> None:
        """Something is down for a while, and nothing happens meanwhile."""
        self.outages.append(Outage(what, self.now, self.now + timedelta(seconds=seconds)))
        self.pass_time(seconds * 1000 + 1)

    def history(self) -> History:
        return History(
            **{name: tuple(getattr(self, name)) for name in _LISTS},
            states=dict(self.touched),
            policies=self.policies,
            read_at=self.now + timedelta(seconds=1),
        )

    def _append(self, event: MessageReceived) -> None:
        self.replies.append(ReplyRecord(0, 2 * len(self.replies), self.now, event))
        self.pass_time(2)
        self.accepted.append(AcceptedReply(ACCOUNT, str(event.gateway_message_id), event.phone, self.now))
        self.pass_time(3)

    def _apply(self, event: MessageReceived, pointed: str | None) -> frozenset[str]:
        """Return what the reply stops, also where that is stopped already: the decision log names it."""
        word = event.body.casefold()
        if word.startswith("stop"):
            dispatched = [t.event for t in self.deliveries if isinstance(t.event, MessageDispatching)]
            mine = [e for e in dispatched if (e.phone, e.sender_number) == (event.phone, event.sender_number)]
            scope = pointed or (f"list:{mine[-1].list_id}" if mine else "account")
            scope = "account" if word == "stop all" else scope
            beside = {"account": ["account"], "sender": [f"sender:{event.sender_number}"]}.get(self.reach, [])
            stopped = [scope] if scope == "account" else [scope, *beside]
            for each in stopped:
                if (event.phone, each) not in self.forbidden:
                    self._change(event, each, "opted_out", pointed)
                    self.causes[event.phone, each] = scope
                self.forbidden[event.phone, each] = str(event.sender_number), event.sent_at or self.now
            return frozenset(stopped)
        if word == "start":
            candidates = [
                scope
                for (who, scope), (number, _) in self.forbidden.items()
                if who == event.phone and number == event.sender_number
            ]
            if pointed in candidates:
                candidates = [scope for scope in candidates if self.causes[event.phone, scope] in (pointed, "account")]
            written_at = event.sent_at or self.now
            for scope in (s for s in candidates if written_at > self.forbidden[event.phone, s][1]):
                del self.forbidden[event.phone, scope]
                self._change(event, scope, "opted_in", pointed)
        return frozenset()

    def _change(self, event: MessageReceived, scope: str, state: str, pointed: str | None) -> None:
        suppression = SuppressionChanged(
            account_id=ACCOUNT,
            scope=scope,
            phone=event.phone,
            state=state,
            cause_event_id=event.event_id,
            changed_at=self.now,
        )
        made = (OptedOut if state == "opted_out" else OptedIn)(
            event_id=derived_id(event.event_id, scope),
            occurred_at=self.now,
            account_id=ACCOUNT,
            phone=event.phone,
            scope=scope,
            list_id=None,
            sender_number=event.sender_number,
            cause_event_id=event.event_id,
            rule="STOP",
            rule_version=1,
            attribution="replied_message" if pointed else "last_message",
        )
        self.suppressions.append(SuppressionRecord(0, len(self.suppressions), self.now, suppression))
        self.changes.append(ChangeRecord(self.now, made))
        self.touched[SuppressedScope(ACCOUNT, scope, event.phone)] = state
        self.pass_time(1)

    def _publish(self, kind: type, fields: dict[str, object], **more: object) -> None:
        name = kind.model_fields["type"].default
        event_id: UUID = delivery_event_id(ACCOUNT, str(fields["message_id"]), name)
        self.deliveries.append(DeliveryRecord(self.now, kind(event_id=event_id, **fields, **more)))
        self.pass_time(1)


_COMMON = {"account_id", "message_id", "list_id", "phone", "sender_number"}
_LISTS = (
    "accepted",
    "replies",
    "requests",
    "deliveries",
    "changes",
    "suppressions",
    "account_settings",
    "entries",
    "calls",
    "phone_messages",
    "outages",
    "parked",
)
