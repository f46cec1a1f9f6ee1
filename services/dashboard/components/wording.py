"""The words for what the API names by codes: scopes, and the ways in which somebody opted out or in."""

import htpy as h

from shared.scopes import kind_and_value

HOW = {
    "reply": "reply",
    "link": "link",
    "api": "API",
    "import": "import",
    "by_hand": "by hand",
    "phone_call": "phone call",
    "mail": "mail",
    "web_form": "web form",
    "carrier": "carrier",
    "clean_up": "clean-up",
    "undo": "undo of a clean-up",
    "reassigned": "reassigned number",
    "erasure": "erasure",
}
"""The ways in which an opt-out or an opt-in comes, by their sources."""


def how(source: str) -> str:
    return HOW.get(source, source.replace("_", " "))


def scope_words(scope: str, list_name: str | None = None) -> h.Node:
    """Return where messages are forbidden: everything, a list by its name, a sender number."""
    kind, value = kind_and_value(scope)
    if kind == "account":
        return "everything"
    if kind == "list":
        return h.span["list ", h.a(href=f"/lists/{value}")[list_name or value]]
    return h.span["number ", h.span(".figure")[value]]


def quoted(text: str | None) -> h.Node:
    """Return what somebody wrote, as they wrote it; None where there is nothing."""
    return h.q(".said", dir="auto")[text] if text else None
