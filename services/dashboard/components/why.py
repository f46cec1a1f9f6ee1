"""Why a number gets no messages: the first line of its page, in plain words."""

from collections.abc import Mapping, Sequence
from typing import Any

import htpy as h

from services.dashboard.components.moment import moment
from services.dashboard.components.notice import Tone, notice
from services.dashboard.components.wording import how, quoted
from shared.scopes import ACCOUNT, kind_and_value

_STOPPED = ("opted_out", "held")
_MAX_NAMES = 5
"""In the first line: it is read at a glance."""
_MAX_REASONS = 20
_NOT_SENT = {
    "suppressed": "was dropped, because the number had opted out",
    "rejected": "was rejected before it left",
    "failed": "was refused by the carrier",
    "undelivered": "was not delivered by the carrier",
    "waiting": "is waiting for its time",
    "scheduled": "is scheduled for later",
    "cancelled": "was cancelled",
    "unknown": "was handed to the carrier, and nothing is known of it since",
}


def why(number: Mapping[str, Any], timeline: Sequence[Mapping[str, Any]]) -> h.Node:
    """Return the answer, and under it what stops each message, the widest first."""
    stops = sorted((each for each in number["states"] if each["state"] in _STOPPED), key=_width)
    on = [each for each in number["lists"] if each["removed_at"] is None]
    tone, line = _first_line(stops, on, timeline)
    return notice(tone, h.strong(".why")[line], _reasons(stops), _last_message(timeline) if not stops else None)


def _width(state: Mapping[str, Any]) -> int:
    return ("account", "list", "sender").index(kind_and_value(state["scope"])[0])


def _first_line(
    stops: Sequence[Mapping[str, Any]], on: Sequence[Mapping[str, Any]], timeline: Sequence[Mapping[str, Any]]
) -> tuple[Tone, h.Node]:
    if any(each["scope"] == ACCOUNT for each in stops):
        return "bad", "This number gets no messages at all."
    stopped = {each["list_id"] for each in stops if each["list_id"] is not None}
    open_lists = [each["name"] for each in on if each["list_id"] not in stopped]
    if stopped and open_lists:
        return "warn", f"This number gets messages from {_and(open_lists)}, and none from {_and(_names(stops))}."
    if stops:
        return "bad" if stopped else "warn", f"This number gets no messages from {_and(_names(stops))}."
    if open_lists:
        return "good", f"Nothing keeps messages from this number: it is on {_and(open_lists)}."
    if timeline:
        return "info", "Nothing keeps messages from this number, but it is on none of your lists."
    return "info", "Nothing is known of this number: it is on no list, and nothing was sent to it or came from it."


def _names(stops: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return lists by their names, and the numbers of senders."""
    return [each["list_name"] or kind_and_value(each["scope"])[1] for each in stops]


def _and(names: Sequence[str]) -> str:
    if len(names) > _MAX_NAMES:
        names = [*names[: _MAX_NAMES - 1], f"{len(names) - _MAX_NAMES + 1:,} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _reasons(stops: Sequence[Mapping[str, Any]]) -> h.Node:
    more = len(stops) - _MAX_REASONS
    return [
        h.ul(".reasons")[(h.li[_reason(each)] for each in stops[:_MAX_REASONS])] if stops else None,
        h.p(".hint")[f"And {more:,} more, below."] if more > 0 else None,
    ]


def _reason(state: Mapping[str, Any]) -> h.Node:
    kind, value = kind_and_value(state["scope"])
    where = {"account": "Everything", "list": f"List {state['list_name'] or value}", "sender": f"Number {value}"}[kind]
    return [h.strong[f"{where}: "], _what_happened(state), " ", moment(state["changed_at"]), "."]


def _what_happened(state: Mapping[str, Any]) -> h.Node:  # noqa: PLR0911 (one for each case)
    text = quoted(state["text"])
    if state["state"] == "held":
        return ["they wrote ", text, ", which ", h.a(href="/review")["waits for a person to decide"], ","]
    match state["source"]:
        case "reply":
            return ["they wrote ", text, ","] if text else "they opted out by a reply,"
        case "link":
            return "they used the opt-out link of a message,"
        case "carrier":
            gateway = f" ({state['gateway']})" if state["gateway"] else ""
            return f"the carrier{gateway} itself refuses to send to them from there, since"
        case "clean_up":
            return "a clean-up took the number off this list,"
        case "reassigned":
            return "the number belongs to somebody else now, by the Reassigned Numbers Database; known here since"
        case "import":
            return "the opt-out was imported from another system,"
        case source:
            by = f" by {state['by']}" if state["by"] else ""
            return [f"entered{by} ({how(source)})", [": ", text] if text else "", ","]


def _last_message(timeline: Sequence[Mapping[str, Any]]) -> h.Node:
    """Return what became of the newest message, where that is why nothing came."""
    last = next((item for item in reversed(timeline) if item["what"] == "message"), None)
    if last is None or last.get("outcome") not in _NOT_SENT:
        return None
    reason = last.get("error")
    words = f"The last message {_NOT_SENT[last['outcome']]}{f': {reason}' if reason else ''}, "
    return h.p[words, moment(last["at"]), "."]
