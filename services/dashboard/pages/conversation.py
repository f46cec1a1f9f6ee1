"""A conversation: what was sent to a number and what it wrote, as on a phone."""

from collections.abc import Mapping, Sequence
from typing import Any

import htpy as h

from services.dashboard.components.moment import moment
from services.dashboard.pages.rule_words import KINDS

_SHOWN = 20


def conversation(timeline: Sequence[Mapping[str, Any]]) -> h.Renderable:
    """Return the newest part of a number's timeline, as the evidence has it."""
    items = [_item(each) for each in timeline[-_SHOWN:]]
    return h.section(".card.conversation", aria_labelledby="conversation")[
        h.h2("#conversation")["The conversation"],
        h.ol[items] if items else h.p(".hint")["Nothing is known of it but this reply."],
    ]


def _item(item: Mapping[str, Any]) -> h.Node:
    match item["what"]:
        case "message":
            body = item["body"] or f"(a message that ends: {item['instruction'] or 'no text kept'})"
            return _bubble("ours", body, item, item["outcome"] or "")
        case "decision" if item.get("gateway") != "review":
            return _bubble("theirs", item.get("text") or "(no text)", item, _decided(item))
        case _:
            by = f" by {item['by']}" if item.get("by") else ""
            return h.li(".between")[f"{item.get('reason', item['what'])}{by}, ", moment(item["at"])]


def _decided(item: Mapping[str, Any]) -> str:
    kind = str(item.get("answer", ""))
    return KINDS.get(kind, kind)


def _bubble(whose: str, text: str, item: Mapping[str, Any], state: str) -> h.Node:
    who = "We" if whose == "ours" else "They"
    return h.li(f".{whose}")[
        h.span(".unseen")[f"{who} wrote: "],
        h.p(".bubble")[text],
        h.small(".hint")[moment(item["at"]), f" · {state}" if state else ""],
    ]
