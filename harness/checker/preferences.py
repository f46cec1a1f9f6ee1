"""A plain model of what a recipient's texts change: which scopes may no longer, or may again, send to the phone."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from shared.events.inbound import MessageReceived
from shared.scopes import list_id_of

_WORD = re.compile(r"\w+")
_ALL = frozenset(("all", "everything"))
_WHOLE_SECOND = timedelta(seconds=1)
_INSTANT = timedelta(microseconds=1)


class Wish(Enum):
    """The wish that a text expresses."""

    STOP = "stop"
    STOP_ALL = "stop all"
    START = "start"
    NONE = "none"


STOPS = (Wish.STOP, Wish.STOP_ALL)


@dataclass(frozen=True, slots=True)
class StopInForce:
    """A STOP that has not been undone: the number that it was sent to, and the latest time at which it was written.

    `sent_at` is by the gateway's clock; `arrived_at` is for a reply whose gateway gave no time. `cause` is the reply
    that first stopped the scope.
    """

    sender_number: str | None
    sent_at: datetime | None
    arrived_at: datetime | None = None
    cause: UUID | None = None


ForbiddenScopes = Mapping[str, StopInForce]
"""The scopes that may not send to a recipient, each with the STOP that forbids it."""


def wish_of(body: str) -> Wish:
    """Return what a text asks for by the two rules that every account starts with."""
    words = _WORD.findall(unicodedata.normalize("NFKC", body).casefold())
    if words[:1] == ["stop"]:
        return Wish.STOP_ALL if _ALL.intersection(words[1:2]) else Wish.STOP
    return Wish.START if words in (["start"], ["unstop"]) else Wish.NONE


def after_stop(before: ForbiddenScopes, event: MessageReceived, scopes: frozenset[str]) -> ForbiddenScopes:
    """Return what is forbidden after a STOP for `scopes`. A STOP written before the one in force changes nothing."""
    newer = {scope: _newer_stop(before.get(scope), event) for scope in scopes}
    return {**before, **{scope: stop for scope, stop in newer.items() if stop is not None}}


def _newer_stop(before: StopInForce | None, event: MessageReceived) -> StopInForce | None:
    arrived_at = event.occurred_at if event.sent_at is None else None
    if before is None:
        return StopInForce(event.sender_number, event.sent_at, arrived_at, event.event_id)
    if event.sent_at is not None and before.sent_at is not None and event.sent_at < before.sent_at:
        return None
    times = event.sent_at or before.sent_at, arrived_at or before.arrived_at
    return StopInForce(event.sender_number, *times, before.cause)


def scopes_of_start(before: ForbiddenScopes, event: MessageReceived, pointed: str | None) -> frozenset[str]:
    """Return the scopes that a START allows again: those whose STOP went to the number that the START is sent to.

    A START that answers a message of such a list is about that list, and about the account and sender numbers, except
    what the STOP of another list stopped. A STOP that may have been written after the START stays in force.
    """
    meant = {scope for scope, stop in before.items() if stop.sender_number == event.sender_number}
    if pointed is not None and pointed in meant:
        others = {stop.cause for scope, stop in before.items() if is_list(scope)} - {before[pointed].cause, None}
        wider = {scope for scope in meant if not is_list(scope) and before[scope].cause not in others}
        meant = {pointed} | wider
    return frozenset(scope for scope in meant if _is_later(event.sent_at, before[scope]))


def is_list(scope: str) -> bool:
    """Say whether the scope is one list."""
    return list_id_of(scope) is not None


def after_start(before: ForbiddenScopes, scopes: frozenset[str]) -> ForbiddenScopes:
    """Return what is forbidden after a START for `scopes`."""
    return {scope: stop for scope, stop in before.items() if scope not in scopes}


def _is_later(started_at: datetime | None, stop: StopInForce) -> bool:
    if started_at is None:
        return stop.sent_at is None
    times = filter(None, (stop.sent_at, stop.arrived_at))
    return all(started_at > (time if time.microsecond else time + _WHOLE_SECOND - _INSTANT) for time in times)
