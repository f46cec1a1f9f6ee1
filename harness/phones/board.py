"""The board: everything that the page shows, changed by what is read. It does no I/O; `now_us` is given to it."""

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from typing import Any

from harness.phones.cast import LISTS, OWNERS, SENDER_NUMBER, members_of
from harness.phones.conversations import Conversations, ReplyState
from harness.phones.feed import Feed
from harness.phones.journeys import Journeys
from harness.phones.limits import MAX_KNOWN_MESSAGES, MAX_NOTES
from harness.phones.observed import Observed, microseconds_of
from harness.phones.places import Places
from harness.phones.tally import Tally
from shared.events import delivery
from shared.events.inbound import FenceMarkerAppended, LinkConfirmed, LinkUndone, MessageReceived
from shared.events.opt_out import HeldReleased, OptedIn, OptedOut, OptOutHeld
from shared.events.outbound import MessageRequested
from shared.events.suppression import MarkersPassed, SuppressionChanged, SuppressionsChanged, WatermarkAdvanced
from shared.scopes import forbidding_scopes, kind_and_value

_PHONES = frozenset(owner.phone for owner in OWNERS)
_FORBIDDING = ("opted_out", "held")
_LAST_WORD = (
    delivery.MessageSent,
    delivery.MessageSuppressed,
    delivery.MessageFailed,
    delivery.MessageRejected,
    delivery.MessageOutcomeUnknown,
)


class Board:
    """The state of the page, and the `feed` by which browsers get each part that is no longer as it was."""

    def __init__(self, account_id: str, now_us: Callable[[], int]) -> None:
        self._account_id = account_id
        self.feed = Feed(self.render, self.names)
        self._changed = self.feed.changed
        self._now_us = now_us
        self._since_us = now_us()
        places = Places()
        self.journeys, self.tally, self.conversations = Journeys(places), Tally(places), Conversations()
        self._places = places
        self._list_of: OrderedDict[str, int] = OrderedDict()
        self._states: dict[tuple[str, str], str] = {}
        self._notes: deque[dict[str, Any]] = deque(maxlen=MAX_NOTES)
        self._noted = 0
        self.lists: dict[int, str] = {}
        self.machine: dict[str, Any] = {}
        self.about: dict[str, Any] = {}
        self._last_tally: dict[str, Any] = {}

    def names(self) -> list[str]:
        """Return the names of all parts of the page."""
        return ["about", "lists", "machine", "tally", "journeys", "notes", *(owner.phone for owner in OWNERS)]

    def render(self, name: str) -> Any:
        parts: dict[str, Callable[[], Any]] = {
            "about": lambda: self.about,
            "lists": self._shown_lists,
            "machine": lambda: self.machine,
            "tally": self.tally.as_json,
            "journeys": self.journeys.as_json,
            "notes": lambda: list(self._notes),
        }
        return parts[name]() if name in parts else self._phone(name)

    def _phone(self, phone: str) -> dict[str, Any]:
        return self.conversations.as_json(phone, self._list_of) | {"lists": self._lists_of(phone)}

    def note(self, kind: str, text: str, phone: str | None = None) -> None:
        """Add a line to the feed."""
        self._noted += 1
        self._notes.append({"id": self._noted, "kind": kind, "text": text, "at_us": self._now_us(), "phone": phone})
        self._changed("notes")

    def show_about(self, **more: Any) -> None:
        if {**self.about, **more} != self.about:
            self.about |= more
            self._changed("about")

    def show_machine(self, machine: dict[str, Any]) -> None:
        if machine != self.machine:
            self.machine = machine
            self._changed("machine")

    def show_lists(self, lists: dict[int, str], states: Mapping[tuple[str, str], str]) -> None:
        self.lists = lists
        self._states |= states
        for name in self.names():
            self._changed(name)

    def tick(self) -> None:
        """Look for what changes by itself: a reply from which nothing follows."""
        if self.journeys.settle(self._now_us()):
            self._changed("journeys")
        self.tally.check(self._now_us())
        tally = self.tally.as_json()
        if tally != self._last_tally:
            self._last_tally = tally
            self._changed("tally")

    def take_call(self, call: dict[str, Any]) -> None:
        """Take a call of the sender's, as the sandbox has it."""
        if not call["delivered"]:
            return
        if (microseconds_of(call["received_at"]) or 0) >= self._since_us:
            self.tally.take_arrival()
            self._changed("tally")
        if call["to"] in _PHONES:
            self.conversations.arrived(
                call["to"], call["message_id"], call["body"], microseconds_of(call["received_at"]) or 0
            )
            self._changed(call["to"])

    def take_webhook(self, attempt: dict[str, Any]) -> None:
        """Take an attempt of the gateway's to post a reply."""
        if attempt["kind"] != "reply":
            return
        form, started_us = attempt["form"], microseconds_of(attempt["started_at"]) or 0
        is_accepted = attempt["status_code"] is not None and 200 <= attempt["status_code"] < 300  # noqa: PLR2004 (HTTP)
        answered_us = microseconds_of(attempt["answered_at"]) if is_accepted else None
        self.journeys.take_post(form["message_id"], started_us, answered_us, attempt["attempt"])
        if answered_us is not None:
            self.tally.take_answer(form["message_id"], answered_us)
        self._changed("journeys")
        if form["from"] in _PHONES:
            self._show_attempt(attempt, started_us, is_accepted=is_accepted)

    def _show_attempt(self, attempt: dict[str, Any], started_us: int, *, is_accepted: bool) -> None:
        """Show at the reply on its phone whether the gateway has got rid of it."""
        form = attempt["form"]
        bubble = self.conversations.replied(form["from"], form["message_id"], form["body"], started_us)
        if bubble.state != "accepted":
            again: ReplyState | None = "again" if started_us >= self._since_us else None  # an old one has ended
            bubble.state, bubble.attempts = "accepted" if is_accepted else again, attempt["attempt"]
        self._changed(form["from"])

    def take(self, seen: Observed) -> None:
        """Take a record of a topic."""
        event: Any = seen.event
        match event:
            case FenceMarkerAppended():
                self._places.marker(seen)
            case WatermarkAdvanced() | MarkersPassed():
                self._places.watermark(seen, event.next_offset)
                self._changed("tally")
            case LinkConfirmed() | LinkUndone():
                self.journeys.take_click(seen, event)
            case _ if getattr(event, "account_id", None) == self._account_id:
                self._take_of_account(seen, event)

    def _take_of_account(self, seen: Observed, event: Any) -> None:
        match event:
            case MessageReceived():
                self._take_reply(seen, event)
            case OptedOut() | OptedIn() | OptOutHeld() | HeldReleased() if event.phone in _PHONES:
                self.journeys.take_effect(seen, event)
                self._changed("journeys")
            case SuppressionChanged():
                self._take_suppression(seen, event)
            case SuppressionsChanged():
                for each in event.singly():
                    if each.phone in _PHONES:
                        self._take_suppression(seen, each)
            case MessageRequested():
                self._take_request(seen, event)
            case _:
                self._take_delivery(seen, event)

    def _take_delivery(self, seen: Observed, event: Any) -> None:
        match event:
            case delivery.MessageDispatching():
                self.tally.take_dispatch(event)
                self.journeys.take_outcome(seen, event)
                self._changed("journeys")
            case delivery.MessageWaiting():
                self.tally.take_outcome(event.message_id, event.type)  # it waits for its time, and for nothing else
                self._changed("tally")
            case _ if isinstance(event, _LAST_WORD):
                self._take_last_word(seen, event)

    def _take_reply(self, seen: Observed, event: MessageReceived) -> None:
        self.tally.take_reply(seen, event)
        if event.phone in _PHONES:
            self.journeys.take_reply(seen, event)
            if event.gateway_message_id is not None:
                bubble = self.conversations.replied(event.phone, event.gateway_message_id, event.body, seen.written_us)
                bubble.state = "accepted"
            self._changed(event.phone)
        self._changed("journeys")
        self._changed("tally")

    def _take_suppression(self, seen: Observed, event: SuppressionChanged) -> None:
        self.tally.take_suppression(event)
        self.journeys.take_suppression(seen, event)
        self._changed("journeys")
        if event.phone in _PHONES:
            self._states[event.phone, event.scope] = event.state
            self._changed(event.phone)
            self._changed("lists")
            self.note(event.state, f"{_word(event.state)} ({self._scope(event.scope)})", event.phone)

    def _take_request(self, seen: Observed, event: MessageRequested) -> None:
        self._list_of[event.message_id] = event.list_id
        while len(self._list_of) > MAX_KNOWN_MESSAGES:
            self._list_of.popitem(last=False)
        self.tally.take_request(event.message_id)
        self.journeys.take_request(seen, event)
        self._changed("tally")
        if event.phone in _PHONES:
            self._changed(event.phone)

    def _take_last_word(self, seen: Observed, event: Any) -> None:
        self.tally.take_outcome(event.message_id, event.type)
        self._changed("tally")
        if isinstance(event, delivery.MessageSuppressed):
            self.journeys.take_outcome(seen, event)
            self._changed("journeys")
        if event.phone not in _PHONES:
            return
        if isinstance(event, delivery.MessageSuppressed):
            self.conversations.dropped(event.phone)
            self._changed(event.phone)
            self.note("dropped", f"a message of {self._list(event.list_id)} was dropped", event.phone)
        elif isinstance(event, delivery.MessageSent):
            self.note("sent", f"got a message of {self._list(event.list_id)}", event.phone)
        elif isinstance(event, delivery.MessageRejected):
            self.note("rejected", f"a message was rejected: {event.detail}", event.phone)
        else:
            self.note("failed", f"a message has the outcome “{event.type}”", event.phone)

    def _shown_lists(self) -> list[dict[str, Any]]:
        texts = {shown.name: shown for shown in LISTS}
        return [
            {
                "list_id": list_id,
                "name": name,
                "text": texts[name].text,
                "members": [owner.phone for owner in members_of(texts[name])],
                "reachable": sum(self._state(owner.phone, list_id) == "active" for owner in members_of(texts[name])),
            }
            for list_id, name in self.lists.items()
        ]

    def _lists_of(self, phone: str) -> list[dict[str, Any]]:
        return [
            {"list_id": shown["list_id"], "name": shown["name"], "state": self._state(phone, shown["list_id"])}
            for shown in self._shown_lists()
            if phone in shown["members"]
        ]

    def _state(self, phone: str, list_id: int) -> str:
        scopes = forbidding_scopes(list_id, SENDER_NUMBER)
        states = [self._states.get((phone, scope)) for scope in scopes]
        return next((state for state in _FORBIDDING if state in states), "active")

    def _list(self, list_id: int) -> str:
        return f"“{self.lists[list_id]}”" if list_id in self.lists else f"list {list_id}"

    def _scope(self, scope: str) -> str:
        kind, value = kind_and_value(scope)
        return self._list(int(value)) if kind == "list" else "all lists" if kind == "account" else scope


def _word(state: str) -> str:
    return {"opted_out": "opted out", "held": "is held for review", "opted_in": "opted in again"}.get(state, state)
