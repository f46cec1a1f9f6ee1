"""A plain model of what a person's messages do to what may be sent to them."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from shared.events.inbound import MessageReceived

_WORD = re.compile(r"\w+")
_ALL = frozenset(("all", "everything"))
_WHOLE_SECOND = timedelta(seconds=1)
_INSTANT = timedelta(microseconds=1)


class Wish(Enum):
    """What a text asks for."""

    STOP = "stop"
    STOP_ALL = "stop all"
    START = "start"
    NONE = "none"


STOPS = (Wish.STOP, Wish.STOP_ALL)


@dataclass(frozen=True, slots=True)
class OptOut:
    """An opt-out in force: the number that the person wrote to, and the newest moment at which they may have.

    `sent_at` is by the gateway's clock; `arrived_at` is for a message whose gateway gave no time.
    """

    sender_number: str | None
    sent_at: datetime | None
    arrived_at: datetime | None = None


State = Mapping[str, OptOut]
"""What is forbidden for one person in one account, by scope."""


def wish_of(body: str) -> Wish:
    """Return what a text asks for by the two rules that every account starts with."""
    words = _WORD.findall(unicodedata.normalize("NFKC", body).casefold())
    if words[:1] == ["stop"]:
        return Wish.STOP_ALL if _ALL.intersection(words[1:2]) else Wish.STOP
    return Wish.START if words in (["start"], ["unstop"]) else Wish.NONE


def after_stop(state: State, event: MessageReceived, scopes: frozenset[str]) -> State:
    """Return the state after a STOP for `scopes`; one written before the STOP in force leaves that as it is."""
    newer = {scope: _after(state.get(scope), event) for scope in scopes}
    return {**state, **{scope: opt_out for scope, opt_out in newer.items() if opt_out is not None}}


def _after(before: OptOut | None, event: MessageReceived) -> OptOut | None:
    arrived_at = event.occurred_at if event.sent_at is None else None
    if before is None:
        return OptOut(event.sender_number, event.sent_at, arrived_at)
    if event.sent_at is not None and before.sent_at is not None and event.sent_at < before.sent_at:
        return None
    return OptOut(event.sender_number, event.sent_at or before.sent_at, arrived_at or before.arrived_at)


def scopes_of_start(state: State, event: MessageReceived, pointed: str | None) -> frozenset[str]:
    """Return what a START ends: what was opted out by writing to the number that it is sent to.

    A START that points at a message of a list that was left so is about that list, and about the account if that was.
    What may have been opted out by a STOP that was written later stays so.
    """
    meant = {scope for scope, opt_out in state.items() if opt_out.sender_number == event.sender_number}
    if pointed in meant:
        meant &= {pointed, "account"}
    return frozenset(scope for scope in meant if _is_later(event.sent_at, state[scope]))


def after_start(state: State, scopes: frozenset[str]) -> State:
    return {scope: opt_out for scope, opt_out in state.items() if scope not in scopes}


def _is_later(started_at: datetime | None, opt_out: OptOut) -> bool:
    if started_at is None:
        return opt_out.sent_at is None
    stops = filter(None, (opt_out.sent_at, opt_out.arrived_at))
    return all(started_at > (stop if stop.microsecond else stop + _WHOLE_SECOND - _INSTANT) for stop in stops)
