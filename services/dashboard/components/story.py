"""The story of a number: what was sent, written, decided and asked for, each in a sentence."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import htpy as h

from services.dashboard.components.moment import moment
from services.dashboard.components.notice import Tone
from services.dashboard.components.wording import how, quoted, scope_words

Item = Mapping[str, Any]
_SCOPES = ("account", "list:", "sender:")
_OUTCOMES: dict[str, tuple[Tone, str]] = {
    "sent": ("good", "A message was sent"),
    "delivered": ("good", "A message was sent, and delivered"),
    "dispatching": ("info", "A message was handed to the carrier"),
    "queued": ("info", "A message is on its way"),
    "publishing": ("info", "A message is on its way"),
    "waiting": ("info", "A message waits for its time"),
    "scheduled": ("info", "A message is scheduled"),
    "cancelled": ("info", "A message was cancelled"),
    "unknown": ("warn", "A message was handed to the carrier, which did not answer"),
    "suppressed": ("bad", "A message was dropped, because the number had opted out"),
    "rejected": ("bad", "A message was rejected before it left"),
    "failed": ("bad", "A message was not sent"),
    "undelivered": ("bad", "A message was sent, and not delivered"),
}
_UNCHANGED = {
    "no_rule": "No rule matched it; nothing changed.",
    "help": "It asked for help; nothing changed.",
    "not_opted_out": "They had not opted out; nothing changed.",
    "older_than_opt_out": "It is older than an opt-out; nothing changed.",
    "older_than_opt_in": "They opted in again later; nothing changed.",
    "order_unknown": "It is not known whether it was written before or after the opt-out; the opt-out stays.",
    "not_held": "It was decided before; nothing changed.",
    "another_number": "It was probably written by another number; nothing changed.",
    "unknown_number": "It is not certain who wrote it; nothing changed.",
    "part_of_a_text": "It is a part of a longer text; nothing changed.",
    "already_opted_out": "They had opted out already.",
    "already_suppressed": "They were not messaged already.",
    "blocked_by_carrier": "The carrier itself blocks the number: only a START from that phone ends it.",
    "no_sender_number": "It does not say which of your numbers is blocked; nothing changed.",
}
_ATTRIBUTIONS = {
    "replied_message": "the gateway named the message that was answered",
    "last_message": "it answered the last message from that number",
    "possible_lists": "every list that had written from that number",
    "account": "no message was found that it answers, so it counts for everything",
    "opt_outs_of_sender": "the opt-outs of that number",
}


class StoryItem(NamedTuple):
    """An item as it is shown: how it is marked, its sentence, what was said, and the details."""

    tone: Tone
    sentence: h.Node
    text: str | None
    details: Sequence[h.Node]


def story(items: Sequence[Item], list_names: Mapping[int, str]) -> h.Node:
    """Return the story, newest first."""
    return h.ol(".story")[(_shown(item, list_names) for item in reversed(items))]


def _shown(item: Item, list_names: Mapping[int, str]) -> h.Node:
    shown = _message(item, list_names) if item["what"] == "message" else _decision(item, list_names)
    details = [each for each in shown.details if each]
    return h.li(class_=shown.tone)[
        h.p(".when")[moment(item["at"])],
        h.div[
            h.p(".sentence")[shown.sentence],
            h.p[quoted(shown.text)] if shown.text else None,
            h.ul(".details")[(h.li[each] for each in details)] if details else None,
        ],
    ]


def _message(item: Item, list_names: Mapping[int, str]) -> StoryItem:
    tone, words = _OUTCOMES.get(item["outcome"], ("info", f"A message: {item['outcome']}"))
    if item.get("confirms") and tone == "good":
        words = "The one answer to their opt-out was sent"
    on = _list(item.get("list_id"), list_names)
    sender = item.get("sender_number")
    details = [
        f"from {sender}" if sender else None,
        f"its way out: {item['instruction']}" if item.get("instruction") not in {None, item.get("body")} else None,
        _why_not(item, list_names),
        h.a(href=f"/campaigns/{item['campaign_id']}")["the campaign"] if item.get("campaign_id") else None,
        h.span["message ", h.code[item["message_id"]]],
    ]
    joint = " to list " if item["outcome"] == "sent" else "; it was for list "
    return StoryItem(tone, [words, joint if on else "", on, "."], item.get("body"), details)


def _why_not(item: Item, list_names: Mapping[int, str]) -> h.Node:
    error = item.get("error")
    if item["outcome"] == "suppressed" and error and error.startswith(_SCOPES):
        return ["they had opted out of ", _scopes([error], list_names)]
    return f"why: {error}" if error else None


def _list(list_id: int | None, list_names: Mapping[int, str]) -> h.Node:
    return h.a(href=f"/lists/{list_id}")[list_names.get(list_id, str(list_id))] if list_id else None


def _decision(item: Item, list_names: Mapping[int, str]) -> StoryItem:
    changed = [*item.get("changed", ()), *item.get("raised", ())]
    where = _scopes(changed, list_names)
    tone, sentence = _sentence(item, where)
    details = [_unchanged(item) if not changed else None, *_details(item)]
    return StoryItem(tone, sentence, item.get("text"), details)


def _sentence(item: Item, where: h.Node) -> tuple[Tone, h.Node]:  # noqa: PLR0911 (one for each case)
    source = (item.get("request") or {}).get("source", "")
    match item["what"], item["answer"]:
        case "request", "opt_out":
            return "bad" if where else "info", _asked_out(source, item, where)
        case "request", "opt_in":
            return "good" if where else "info", _asked_in(source, item, where)
        case _, "erased":
            return "info", "What was known of the person was erased."
        case _, "confirmed":
            return "bad", [f"{item.get('by')} looked at a held reply: it is an opt-out from ", where, "."]
        case _, "released":
            return "good", [f"{item.get('by')} looked at a held reply: it is not an opt-out; messages go again."]
        case _, "opt_out" if where:
            return "bad", ["They wrote, and opted out of ", where, "."]
        case _, "held" if where:
            return "warn", ["They wrote what is likely an opt-out from ", where, "; it is held for review."]
        case _, "opt_in" if where:
            return "good", ["They wrote, and opted back in to ", where, "."]
        case _:
            return "info", "They wrote."


def _asked_out(source: str, item: Item, where: h.Node) -> h.Node:
    by = f" by {item['by']}" if item.get("by") else ""
    starts = {
        "link": "They used the opt-out link of a message",
        "carrier": f"The carrier ({item.get('by', 'unknown')}) refused to send to them from its own list",
        "clean_up": "A clean-up took the number off",
        "reassigned": "The number was reported as reassigned to somebody else",
        "import": "An opt-out was imported",
    }
    words = starts.get(source, f"An opt-out was entered{by} ({how(source)})")
    joint = " " if source == "clean_up" else ": "
    return [words, [joint, where] if where else "", "."]


def _asked_in(source: str, item: Item, where: h.Node) -> h.Node:
    by = f" by {item['by']}" if item.get("by") else ""
    starts = {"link": "They undid it on the page of the link", "undo": "A clean-up was undone"}
    words = starts.get(source, f"Consent was entered{by} ({how(source)})")
    return [words, [": messages go again to ", where] if where else "", "."]


def _scopes(scopes: Sequence[str], list_names: Mapping[int, str]) -> h.Node:
    shown = [scope_words(each, list_names.get(_list_id(each))) for each in dict.fromkeys(scopes)]
    if not shown:
        return None
    spaced: list[h.Node] = [[part, ", "] for part in shown[:-2]]
    return [*spaced, *([shown[-2], " and "] if len(shown) > 1 else []), shown[-1]]


def _list_id(scope: str) -> int:
    kind, _, value = scope.partition(":")
    return int(value) if kind == "list" else 0


def _unchanged(item: Item) -> str | None:
    return _UNCHANGED.get(item.get("reason", ""))


def _details(item: Item) -> list[h.Node]:
    request = item.get("request") or {}
    rule, version = item.get("rule"), item.get("rule_version")
    term = f", by “{item['term']}”" if item.get("term") else ""
    number = item.get("sender_number")
    return [
        f"rule {rule}{f', version {version}' if version else ''}{term}"
        if rule and rule not in {"request", "review"}
        else None,
        f"to {number}" if number else None,
        _ATTRIBUTIONS.get(item.get("attribution", "")),
        f"policy {item['reach_policy']}" if item.get("reach_policy") else None,
        ["they asked or agreed on ", moment(request["asked_at"])] if request.get("asked_at") else None,
        f"job {request['job_id']}" if request.get("job_id") else None,
        h.span(".hint")[f"entry {item['sequence']} of partition {item['partition']}"],
    ]
