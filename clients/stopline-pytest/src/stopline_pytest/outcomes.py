"""What became of a message: sent, suppressed, rejected, failed or unknown. Pure."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from stopline_pytest.topic_log import Event, Seen

Kind = Literal["sent", "suppressed", "rejected", "failed", "unknown"]

KINDS: dict[str, Kind] = {
    "message_sent": "sent",
    "message_suppressed": "suppressed",
    "message_rejected": "rejected",
    "message_failed": "failed",
    "message_outcome_unknown": "unknown",
}
_COMPARED_DIGITS = 6
"""In Argentina the seventh from the end may be one of a prefix: +54 2966 15 423456 is +54 9 2966 423456."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a message: its kind, and the event on `delivery-events` that says so."""

    message_id: str
    kind: Kind
    event: Event = field(repr=False)

    @property
    def scope(self) -> str | None:
        """Where the suppression forbids it, such as `list:12`; None for what was not suppressed."""
        return self.event.get("scope")

    @property
    def reason(self) -> str | None:
        """Why it was rejected or failed: a word, such as `no_way_out`."""
        return self.event.get("reason")

    def __str__(self) -> str:
        names = ("scope", "state", "reason", "detail")
        details = [f"{name} {self.event[name]}" for name in names if self.event.get(name)]
        return f"{self.kind} ({', '.join(details)})" if details else self.kind


def outcome_of(events: Iterable[Seen], message_id: str) -> Outcome | None:
    """Return the outcome of a message, if there is one yet; an unknown one only until its receipt has come."""
    unknown = None
    for seen in events:
        event = seen.event
        if event.get("message_id") == message_id and event["type"] in KINDS:
            found = Outcome(message_id, KINDS[event["type"]], event)
            if found.kind != "unknown":
                return found
            unknown = unknown or found
    return unknown


def requests_for(events: Iterable[Seen], phone: str) -> list[Event]:
    """Return the requests for messages to a phone, which their producers may have written in other spellings.

    Numbers that have the same last digits somewhere count, in any script and with an extension after them: a request
    more is waited for, never one less.
    """
    end = _digits(phone)[-_COMPARED_DIGITS:]
    return [
        seen.event
        for seen in events
        if seen.event["type"] == "message_requested" and end in _digits(str(seen.event.get("phone")))
    ]


def waiting_for(events: Iterable[Seen], message_id: str) -> str:
    """Return what is known of a message without an outcome, for an error's text."""
    found = [seen.event for seen in events if seen.event.get("message_id") == message_id]
    waiting = [event for event in found if event["type"] == "message_waiting"]
    if waiting:
        return f"it waits until {waiting[-1].get('until')} ({waiting[-1].get('reason')})"
    if not found:
        return "nothing was requested under this id on outbound-messages, in this account"
    return f"seen so far: {', '.join(str(event['type']) for event in found)}"


def _digits(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    return "".join(str(unicodedata.decimal(each)) for each in plain if each.isdecimal())
