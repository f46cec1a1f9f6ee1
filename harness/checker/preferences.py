"""A plain model of what a person's messages do to what may be sent to them."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from shared.events.inbound import MessageReceived

_WORD = re.compile(r"\w+")


class Wish(Enum):
    """What a text asks for."""

    STOP = "stop"
    START = "start"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class OptOut:
    """An opt-out in force: the number that the person wrote to, and when by the gateway's clock."""

    sender_number: str | None
    sent_at: datetime | None


State = Mapping[str, OptOut]
"""What is forbidden for one person in one account, by scope."""


def wish_of(body: str) -> Wish:
    """Return what a text asks for by the two rules that every account starts with."""
    words = _WORD.findall(unicodedata.normalize("NFKC", body).casefold())
    if words[:1] == ["stop"]:
        return Wish.STOP
    return Wish.START if words in (["start"], ["unstop"]) else Wish.NONE


def after_stop(state: State, event: MessageReceived, scopes: frozenset[str]) -> State:
    """Return the state after a STOP for `scopes`; one written before the STOP in force leaves that as it is."""
    newer = {scope for scope in scopes if scope not in state or not _is_older(event.sent_at, state[scope].sent_at)}
    return {**state, **dict.fromkeys(newer, OptOut(event.sender_number, event.sent_at))}


def scopes_of_start(state: State, event: MessageReceived, pointed: str | None) -> frozenset[str]:
    """Return what a START ends: what was opted out on the number it was sent to, and opt-outs from the account.

    A START that points at a message of a list that is opted out is about that list. What was opted out by a STOP that
    was written later, by the gateway's clock, stays so.
    """
    if pointed is not None and pointed in state:
        meant = {pointed, "account"} & state.keys()
    else:
        meant = {scope for scope, opt_out in state.items() if scope == "account" or _same_number(event, opt_out)}
    return frozenset(scope for scope in meant if not _is_older(event.sent_at, state[scope].sent_at))


def after_start(state: State, scopes: frozenset[str]) -> State:
    return {scope: opt_out for scope, opt_out in state.items() if scope not in scopes}


def _same_number(event: MessageReceived, opt_out: OptOut) -> bool:
    return opt_out.sender_number in (None, event.sender_number)


def _is_older(moment: datetime | None, than: datetime | None) -> bool:
    return moment is not None and than is not None and moment < than
